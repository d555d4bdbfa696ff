// tests/sim/heap.h — an mm::Allocator over malloc, exact to the byte, so AddressSanitizer guards typed
// allocations.
#pragma once

#include "mm/allocator.h"

namespace sim {

class Heap {
  public:
    mm::Allocator allocator();
    // `n` more allocations succeed, then one fails; after it they succeed again.
    void fail_after(u64 n) { fail_after_ = n; }
    void never_fail() { fail_after_ = ~0ul; }
    bool failed() const { return fail_after_ == ~0ul; } // whether the planned failure has happened
    u64 live() const { return live_; }                  // blocks
    u64 live_bytes() const { return live_bytes_; }

  private:
    static rstate::Result<u8 *> allocate(void *self, u64 size, u64 alignment, mm::AllocationSite site);
    static void free(void *self, u8 *block, u64 size);
    u64 fail_after_ = ~0ul;
    u64 live_ = 0, live_bytes_ = 0;
};

} // namespace sim
