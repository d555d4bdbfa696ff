// guest/codes.h — the error codes of this folder; docs/errors.md gives each its meaning.
#pragma once

#include "rstate/site.h"

namespace guest {

// The ELF file is not a static 64-bit program, or its segments do not fit the guest layout (layout.h).
inline constexpr rstate::Code unsupported_target{"guest.unsupported_target"};
// The target has no LLVMFuzzerTestOneInput.
inline constexpr rstate::Code no_harness{"guest.no_harness"};
// The files that the bundle brings for the target are not packed as targets/runtime/abi.h says, or too large.
inline constexpr rstate::Code bad_files{"guest.bad_files"};
// The target does not fit into its machine.
inline constexpr rstate::Code target_too_large{"guest.target_too_large"};
// The caller provided fewer symbol slots than the file has symbols.
inline constexpr rstate::Code storage_too_small{"guest.storage_too_small"};

// The target exited, crashed, or used up its time before it reached its snapshot point.
inline constexpr rstate::Code ended_early{"guest.ended_early"};
inline constexpr rstate::Code crashed_early{"guest.crashed_early"};
inline constexpr rstate::Code snapshot_point_not_reached{"guest.snapshot_point_not_reached"};
// The control block that the target passed at its snapshot point is invalid.
inline constexpr rstate::Code bad_control{"guest.bad_control"};
// An exit that no target can cause.
inline constexpr rstate::Code unexpected_exit{"guest.unexpected_exit"};
// The input is longer than the target's input buffer.
inline constexpr rstate::Code input_too_long{"guest.input_too_long"};

} // namespace guest
