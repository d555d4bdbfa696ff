// kernel/smp/cores.h — the cores as they come in from stage2: what core 0 prepares for each, and what each
// does first.
#pragma once

#include "kernel/smp/core.h"
#include "rstate/result.h"

namespace kernel {

// Core 0's tables and stacks, before there is a heap.
void start_first_core(const boot::CoreArgs &args);
// On core 0, once there is memory: its interrupt stacks get guards, like everybody's.
rstate::Result<> guard_first_core();
// On core 0: memory and stacks for all others, which then come in; returns when all have.
rstate::Result<> start_other_cores(const boot::CoreArgs &args);
// On every core: what the processor offers for protection is switched on.
void protect_core();

} // namespace kernel
