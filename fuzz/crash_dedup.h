// fuzz/crash_dedup.h — crash deduplication: the set of crash hashes (guest/crash_hash.h) that any core has
// reported.
#pragma once

#include "base/atomic.h"

namespace fuzz {

// An open hash table that all cores read and write without a lock.
class CrashDedup final {
  public:
    static constexpr u32 capacity = 1024;
    // True for the one caller that adds this hash; false when it is known already, or the set is full.
    bool claim(u64 hash);
    bool known(u64 hash) const;
    // Counts that a known crash came again.
    void count_again(u64 hash);
    // Calls `visit(hash, times)` for each known hash; the first time counts.
    template <class F> void for_each(F &&visit) const {
        for (u32 slot = 0; slot < capacity; ++slot)
            if (const u64 hash = slots_[slot].load(Order::acquire); hash != 0)
                visit(hash, 1ul + again_[slot].load());
    }
    u32 count() const { return count_.load(); }
    // How often any of them came.
    u64 times() const { return count() + came_again_.load(); }
    bool full() const { return count() >= capacity / 2; }

  private:
    u32 slot_of(u64 hash) const; // its own, or the free one where it would be

    Atomic<u64> slots_[capacity]; // 0 is free
    Atomic<u64> again_[capacity]; // of each slot's hash: how often it came after the first time
    Atomic<u32> count_;
    Atomic<u64> came_again_;
};

} // namespace fuzz
