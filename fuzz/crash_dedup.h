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
    u32 count() const { return count_.load(); }
    bool full() const { return count() >= capacity / 2; }

  private:
    Atomic<u64> slots_[capacity]; // 0 is free
    Atomic<u32> count_;
};

} // namespace fuzz
