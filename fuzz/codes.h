// fuzz/codes.h — what can go wrong in the fuzzer itself, as names to branch on.
#pragma once

#include "rstate/site.h"

namespace fuzz {

// The dictionary's text does not follow the syntax of AFL and libFuzzer.
inline constexpr rstate::Code bad_dictionary{"fuzz.bad_dictionary"};
// An input from outside (seed, corpus, replay) is longer than the run allows.
inline constexpr rstate::Code input_too_long{"fuzz.input_too_long"};
// After a reset the machine's digest differs from the snapshot's: cases would no longer repeat.
inline constexpr rstate::Code reset_incomplete{"fuzz.reset_incomplete"};
// A crash that the same input does not give again: every case starts from the same state, so it was not the
// target's doing.
inline constexpr rstate::Code crash_not_repeated{"fuzz.crash_not_repeated"};
// The target has no edge counters: there is nothing to steer by.
inline constexpr rstate::Code no_counters{"fuzz.no_counters"};
// The executor named a counter outside the range it promised.
inline constexpr rstate::Code counter_out_of_range{"fuzz.counter_out_of_range"};

} // namespace fuzz
