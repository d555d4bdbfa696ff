// fuzz/shared.h — the little that all cores' workers share: the stop flag, how many cases are left, which
// crashes and edges anybody has seen, the lanes for new inputs and each core's counts.
#pragma once

#include "base/atomic.h"
#include "base/core.h"
#include "fuzz/arena.h"
#include "fuzz/corpus_sync.h"
#include "fuzz/stats.h"

namespace fuzz {

// Numbers seen by any core; entering one takes no lock.
class SharedSet {
  public:
    static constexpr u32 capacity = 1024;
    // True for the one caller that entered it first; false when it was known, or the set is full.
    bool claim(u64 number);
    bool knows(u64 number) const;
    u32 count() const { return count_.load(); }
    bool full() const { return count() >= capacity / 2; }

  private:
    Atomic<u64> slots_[capacity]; // 0 is free
    Atomic<u32> count_;
};

struct SharedSize {
    u32 cores = 1;
    u32 edges = 0;
    u32 lane_words = 1u << 15; // a power of two; one input takes at most half
};

class Shared {
  public:
    static constexpr usize memory(const SharedSize &size) {
        return room_for<Lane>(size.cores) + size.cores * Lane::memory(size.lane_words) +
               room_for<Atomic<u64>>(size.edges / 64 + 1);
    }
    // `case_limit` 0 stands for no limit.
    Shared(Arena &arena, const SharedSize &size, u64 case_limit);

    void stop() { stop_.store(1, Order::release); }
    bool stopping() const { return stop_.load(Order::acquire) != 0; }

    // Grants up to `wanted` cases of those left; 0 when the run is over.
    u64 grant(u64 wanted);
    // Marks an edge as reached by somebody.
    void reached(u32 edge);
    u32 edges() const { return edges_reached_.load(); }
    // One bit for each edge, the lowest first; whole when no core fuzzes any more.
    Bytes edge_bits() const;

    // Run by all cores so far.
    u64 cases() const;

    u32 cores() const { return static_cast<u32>(lanes_.size()); }
    Lane &lane(u32 core) { return lanes_[core]; }
    CoreCounts &counts(u32 core) { return counts_[core]; }
    const CoreCounts &counts(u32 core) const { return counts_[core]; }
    SharedSet &crashes() { return crashes_; }
    const SharedSet &crashes() const { return crashes_; }

  private:
    CoreCounts counts_[max_cores];
    Span<Lane> lanes_;
    Span<Atomic<u64>> edge_bits_;
    SharedSet crashes_;
    u64 case_limit_;
    alignas(64) Atomic<u64> granted_;
    Atomic<u32> edges_reached_;
    Atomic<u32> stop_;
};

} // namespace fuzz
