// mm/aligned_memory.h — untyped heap memory aligned to 16 bytes, for arenas that place objects themselves.
#pragma once

#include "mm/allocator.h"

namespace mm {

// The heap aligns a block as its type asks.
struct alignas(16) AlignedChunk {
    u8 bytes[16];
};
static_assert(sizeof(AlignedChunk) == 16);
using AlignedMemory = OwnedArray<AlignedChunk>;

// At least `bytes` of it, zeroed.
inline rstate::Result<AlignedMemory> allocate_aligned(From from, usize bytes) {
    return allocate_array<AlignedChunk>(from.heap, bytes / sizeof(AlignedChunk) + 1, from.file, from.function,
                                        from.line);
}
inline MutableBytes bytes_of(const AlignedMemory &memory) {
    return {memory[0].bytes, memory.size() * sizeof(AlignedChunk)};
}

} // namespace mm
