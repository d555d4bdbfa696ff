// kernel/campaign/memory_shares.h — how much of the free memory each core may use while it fuzzes.
#pragma once

#include "fuzz/worker.h"

namespace kernel {

// The sizes of one worker's tables. The corpora of all `cores` get an eighth of the free memory, within fixed
// bounds.
fuzz::WorkerSize worker_size(u32 edges, u64 max_len, u32 cores);

// The longest input when no option says it: as libFuzzer, at least 4096 bytes, else as long as the longest of
// the seeds; not more than a 64th of a core's share of the free memory.
u64 longest_input(Span<const fuzz::Seed> seeds, u64 capacity, u32 cores);

// How many private pages each core's machine may have. Every core gets the same number, so that no case takes
// another core's frames, however much memory its target asks for.
rstate::Result<u64> pages_per_core(u32 cores);

} // namespace kernel
