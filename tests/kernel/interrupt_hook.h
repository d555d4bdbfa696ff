// tests/kernel/interrupt_hook.h — a test's own handler for one vector, on every core.
#pragma once

#include "kernel/entry/traps.h"

namespace kernel {

// From now on `handler` is called for this vector instead of the kernel's own handler.
void hook_vector(u64 vector, void (*handler)(TrapFrame &));
// The kernel handles every vector itself again.
void unhook_vector();

} // namespace kernel
