// kernel/reboot.h — starts the kernel that is kept in memory again, without the firmware: at another place,
// with nothing of this kernel left.
//
// All cores come out of their guests and stop; this one enters stage2 in the state in which the stage before
// it did (docs/boot.md), and stage2 builds a world as at the first boot.
#pragma once

#include "rstate/result.h"

namespace kernel {

// Core 0, while every other core rests. Returns only when it cannot be done, and why; some cores may have
// stopped for good by then.
rstate::Error reboot();

// In the interrupt by which core 0 asks for it: this core stops, in a state from which it can be started
// anew.
[[noreturn]] void retire();

} // namespace kernel
