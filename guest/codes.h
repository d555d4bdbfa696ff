// guest/codes.h — what can go wrong with a target and its surroundings; docs/errors.md gives each its
// meaning.
#pragma once

#include "rstate/site.h"

namespace guest {

// The ELF file is no static 64-bit program, or is laid out in a way that the plan has no place for.
inline constexpr rstate::Code unsupported_target{"guest.unsupported_target"};
// It has no LLVMFuzzerTestOneInput.
inline constexpr rstate::Code no_harness{"guest.no_harness"};
// It does not fit into the machine, or the machine is smaller than any target needs.
inline constexpr rstate::Code target_too_large{"guest.target_too_large"};
// The caller gave fewer symbol slots than the file has symbols.
inline constexpr rstate::Code storage_too_small{"guest.storage_too_small"};

// The target ended, crashed, or used up its time before it reached its door.
inline constexpr rstate::Code ended_early{"guest.ended_early"};
inline constexpr rstate::Code crashed_early{"guest.crashed_early"};
inline constexpr rstate::Code no_door{"guest.no_door"};
// What the target handed over at its door cannot be right.
inline constexpr rstate::Code bad_control{"guest.bad_control"};
// A system call that has no answer here, or not with these arguments.
inline constexpr rstate::Code system_call{"guest.system_call"};
// The machine stopped in a way that no target can cause.
inline constexpr rstate::Code unexpected_exit{"guest.unexpected_exit"};
// An input that the target has no room for.
inline constexpr rstate::Code input_too_long{"guest.input_too_long"};

} // namespace guest
