// kernel/panic/panic.h — the end: print everything that helps, stop every core, tell the emulator.
//
// Works before the interrupt table exists, on any core, with any lock held, on a corrupt stack, and in an
// interrupt. The core that panics first tells its chain, its registers and its callers; then each other core
// is asked by NMI what it was doing, and one that failed at the same time tells its own failure. A failure
// inside the panic is told and ends it; one inside that ends it without a word.
#pragma once

#include "kernel/entry/traps.h"
#include "rstate/result.h"

namespace kernel {

// An error nobody can act on.
[[noreturn]] void panic(rstate::Error error);
// An exception that has no business in the kernel.
[[noreturn]] void panic_trap(const TrapFrame &frame, rstate::Error error);
// Called on the other cores, by NMI, when one has panicked; returns on one that panics itself.
void stop_for_panic(const TrapFrame &frame);
bool panicking();

// Ends the machine: QEMU with its debug-exit device by `value` (boot/contract/exit.h), any other by stopping.
[[noreturn]] void end_machine(u32 value);

} // namespace kernel
