// fuzz/codes.h — the error codes of this folder; docs/errors.md gives each its meaning.
#pragma once

#include "rstate/site.h"

namespace fuzz {

// The tokens of the dictionary are not packed as the host packs them.
inline constexpr rstate::Code bad_dictionary{"fuzz.bad_dictionary"};
// After a reset the machine's digest differs from the snapshot's, so cases would not repeat.
inline constexpr rstate::Code reset_incomplete{"fuzz.reset_incomplete"};
// The same input does not crash again. Every case starts from the same state, so the target is not the cause.
inline constexpr rstate::Code crash_not_repeated{"fuzz.crash_not_repeated"};
// The target has no edge counters, so there is no coverage.
inline constexpr rstate::Code no_counters{"fuzz.no_counters"};
// The executor visited a counter beyond its counter_count.
inline constexpr rstate::Code counter_out_of_range{"fuzz.counter_out_of_range"};

} // namespace fuzz
