// kernel/campaign/core_context.h — what each core has for itself during a campaign, made by core 0 so that
// the core's records outlive its work.
#pragma once

#include "base/atomic.h"
#include "kernel/campaign/platform.h"
#include "mm/aligned_memory.h"

namespace kernel {

struct CoreContext {
    mm::AlignedMemory memory; // the worker's tables, then the outbox's
    mm::Owned<fuzz::Outbox> outbox;
    rstate::Error error; // why the core's work failed
    Atomic<bool> ended;  // the core's work is over and all its records are queued
};

// One for each core; each outbox is attached to `reporter`.
rstate::Result<mm::OwnedArray<CoreContext>> make_core_contexts(u32 cores, const fuzz::WorkerSize &size,
                                                               Reporter &reporter);

// The cores' errors as one chain; none when every core succeeded.
rstate::Error take_errors(Span<CoreContext> contexts);

} // namespace kernel
