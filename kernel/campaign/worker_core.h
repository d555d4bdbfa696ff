// kernel/campaign/worker_core.h — one core's part of a campaign: its machine at the snapshot, its worker, its
// records sent to the end.
#pragma once

#include "boot/formats/options.h"
#include "kernel/campaign/core_context.h"
#include "kernel/campaign/target.h"

namespace kernel {

// What the cores share during a campaign.
struct Campaign {
    Target &target;
    const boot::Bundle &bundle;
    const boot::Options &options;
    fuzz::Shared &shared;
    Reporter &reporter;
    Span<CoreContext> contexts;
    Span<const fuzz::Seed> seeds;
    fuzz::WorkerSize size;
    u64 pages_per_core; // private pages that each core's machine may have
    u64 seed;
    u64 ticks_per_second;
    Process &first;      // core 0's, which took the snapshot
    Atomic<u32> ended{}; // cores other than core 0 whose work is over
    Atomic<u32> ready{}; // cores that have allocated all that their work needs
};

// The job of every core: fuzzes until the run is stopped. A failure is left in the core's context and stops
// the run on all cores. `campaign` is a Campaign.
void fuzz_on_core(void *campaign);

} // namespace kernel
