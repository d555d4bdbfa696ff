// kernel/panic.h — the end: print everything that helps, stop every core, tell the emulator.
//
// Works before the interrupt table exists, on any core, with any lock held, and in an interrupt. The second
// core that panics waits for ever; a panic inside a panic prints one line and stops.
#pragma once

#include "kernel/traps.h"
#include "rstate/result.h"

namespace kernel {

// An error nobody can act on.
[[noreturn]] void panic(rstate::Error error);
// An exception that has no business in the kernel. `about` says what is known of it, may be empty.
[[noreturn]] void panic_trap(const TrapFrame &frame, rstate::Error error);
// Called on the other cores, by NMI, when one has panicked.
[[noreturn]] void stop_for_panic(const TrapFrame &frame);
bool panicking();

// Ends the machine: QEMU with its debug-exit device by `value` (boot/exit.h), any other by stopping.
[[noreturn]] void end_machine(u32 value);

// Needed to name addresses and to reach the other cores; set as soon as they are known.
void set_kernel_image(u64 base, u64 text_bytes);

} // namespace kernel
