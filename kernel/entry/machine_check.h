// kernel/entry/machine_check.h — errors that the hardware reports of itself: the fatal ones end the kernel
// with a chain, the others are counted.
#pragma once

#include "kernel/entry/traps.h"
#include "rstate/error.h"

namespace kernel {

// On every core, once: reports what an earlier boot left in the banks, and switches them on.
void start_machine_checks();
// Exception 18: the chain that says which bank, with status and address.
rstate::Error describe_machine_check(const TrapFrame &frame);
// At each tick: reports and counts what the hardware has corrected; panics for what it has not.
void poll_machine_checks(const TrapFrame &frame);
// In a panic: prints what this core's banks hold; hardware that fails looks like a bug of ours.
void dump_machine_checks();
// Errors of all cores that did not end the kernel.
u64 hardware_errors();

} // namespace kernel
