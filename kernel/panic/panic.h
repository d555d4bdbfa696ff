// kernel/panic/panic.h — the panic: prints everything that helps, stops every core, and ends QEMU.
//
// Works before the interrupt table exists, on any core, with any lock held, on a corrupt stack, and in an
// interrupt. The core that panics first prints its error chain, its registers and its callers. Then it asks
// each other core by NMI to print what it was doing; a core that failed at the same time prints its own
// failure. A failure during the panic is printed and ends it; a failure during that ends the machine at once.
#pragma once

#include "kernel/entry/traps.h"
#include "rstate/result.h"

namespace kernel {

// For an error that the kernel cannot handle.
[[noreturn]] void panic(rstate::Error error);
// For an exception that the kernel must not raise.
[[noreturn]] void panic_trap(const TrapFrame &frame, rstate::Error error);
// Called in the NMI handler of the other cores when one has panicked; returns on a core that panics itself.
void stop_for_panic(const TrapFrame &frame);
bool panicking();

// Ends the machine: QEMU exits by its debug-exit device with `value` (boot/contract/exit.h), any other
// machine stops.
[[noreturn]] void end_machine(u32 value);

} // namespace kernel
