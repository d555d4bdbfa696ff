// kernel/smp/cores.h — starts the cores that stage2 hands over: core 0 prepares their data, then each core
// initialises itself.
#pragma once

#include "kernel/smp/core.h"
#include "rstate/result.h"

namespace kernel {

// Core 0's descriptor tables and stacks, before there is a heap.
void start_first_core(const boot::CoreArgs &args);
// On core 0, after make_world: replaces its interrupt stacks by ones with guard pages, as all cores have.
rstate::Result<> guard_first_core();
// On core 0: allocates the other cores' data and stacks, lets them enter the kernel, and waits until all are
// in.
rstate::Result<> start_other_cores(const boot::CoreArgs &args);
// On every core, first: its registers get their known values (cpu/settle.h).
void settle(Core &core);

} // namespace kernel
