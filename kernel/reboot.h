// kernel/reboot.h — the reboot without firmware: stage2 loads the kernel's file that is kept in memory again,
// at another base, and nothing of this kernel is left.
//
// All cores leave their guests and stop. Core 0 enters stage2 in the state in which the previous stage enters
// it (docs/boot.md), and stage2 builds everything as at the first boot.
#pragma once

#include "rstate/result.h"

namespace kernel {

// Core 0, during a pause of all other cores. Returns only when the reboot is impossible, with the reason;
// some cores may have stopped for good by then.
rstate::Error reboot();

// In the handler of the IPI that core 0 sends: this core stops, in a state from which INIT and SIPI start it
// again.
[[noreturn]] void stop_for_reboot();

} // namespace kernel
