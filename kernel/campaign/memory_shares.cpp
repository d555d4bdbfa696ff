// kernel/campaign/memory_shares.cpp — each core's share of the free memory; see memory_shares.h.
#include "kernel/campaign/memory_shares.h"

#include "kernel/world.h"

namespace kernel {

fuzz::WorkerSize worker_size(u32 edges, u64 max_len, u32 cores) {
    fuzz::WorkerSize size;
    size.edges = edges;
    size.max_len = static_cast<u32>(max_len);
    // Chosen: an eighth, since private pages of the machines are worth more than a larger corpus.
    const u64 share = world->frames.free_frames() * page_size / 8 / cores;
    const u64 wanted = max(4_MiB, 16 * max_len); // a few long inputs fit, too
    size.corpus_bytes = static_cast<u32>(max(256_KiB, min(share, wanted)));
    size.entries = static_cast<u32>(min<u64>(size.corpus_bytes, 4_MiB) / 1024);
    return size;
}

u64 longest_input(Span<const fuzz::Seed> seeds, u64 capacity, u32 cores) {
    constexpr u64 least = 4096, buffers = 64; // chosen: inputs, their records and the corpus
    u64 longest = least;
    for (const fuzz::Seed &seed : seeds) longest = max(longest, seed.data.size());
    const u64 affordable = world->frames.free_frames() * page_size / buffers / cores;
    return min(min(longest, capacity), max(least, affordable));
}

// A part of each share stays free for the nested tables and for what the other cores allocate when they
// start.
rstate::Result<u64> pages_per_core(u32 cores) {
    constexpr u64 for_setup = 96, minimum = 64; // chosen: pages; a plain case writes some twenty
    const u64 free = world->frames.free_frames(), each = free / cores;
    const u64 reserved = for_setup + each / 16;
    if (each < reserved + minimum)
        return FAIL(mm::out_of_frames, "the machine has too little free memory for so many cores", cores,
                    free, reserved + minimum);
    return each - reserved;
}

} // namespace kernel
