// tests/sim/heap.cpp — see heap.h.
#include "tests/sim/heap.h"

#include <cstdlib>
#include <cstring>

#include "mm/codes.h"

namespace sim {

mm::Allocator Heap::allocator() { return {this, allocate, free}; }

rstate::Result<u8 *> Heap::allocate(void *self, u64 size, u64 alignment, mm::AllocationSite site) {
    Heap &heap = *static_cast<Heap *>(self);
    if (heap.fail_after_ != ~0ul && heap.fail_after_-- == 0)
        return FAIL(mm::out_of_frames, "the test planned this allocation to fail", site.type, size);
    void *block = nullptr;
    CHECK(posix_memalign(&block, max(alignment, 8ul), size) == 0, "the host has memory", size);
    std::memset(block, 0xAC, size);
    ++heap.live_, heap.live_bytes_ += size;
    return static_cast<u8 *>(block);
}

void Heap::free(void *self, u8 *block, u64 size) {
    Heap &heap = *static_cast<Heap *>(self);
    --heap.live_, heap.live_bytes_ -= size;
    std::free(block);
}

} // namespace sim
