// fuzz/shared.h — the little that the workers of all cores share: the stop flag, the number of cases left,
// the crashes and edges that any core has seen, the rings for new inputs, and each core's counts.
#pragma once

#include "base/atomic.h"
#include "base/core.h"
#include "fuzz/arena.h"
#include "fuzz/corpus_sync.h"
#include "fuzz/crash_dedup.h"
#include "fuzz/last_crash.h"
#include "fuzz/stats.h"

namespace fuzz {

struct SharedSize {
    u32 cores = 1;
    u32 edges = 0;
    u32 ring_words = 1u << 15; // a power of two; one input takes at most half
};

class Shared {
  public:
    static constexpr usize memory(const SharedSize &size) {
        return room_for<InputRing>(size.cores + 1) + (size.cores + 1) * InputRing::memory(size.ring_words) +
               room_for<Atomic<u64>>(size.edges / 64 + 1) + room_for<Atomic<u32>>(size.edges) +
               room_for<u8>(size.edges);
    }
    // `case_limit` 0: no limit.
    Shared(Arena &arena, const SharedSize &size, u64 case_limit);

    void stop() { stop_.store(1, Order::release); }
    bool stopping() const { return stop_.load(Order::acquire) != 0; }

    // Takes up to `wanted` of the cases that are left; 0 when the run is over.
    u64 grant(u64 wanted);
    // Marks an edge as reached by any core.
    void reached(u32 edge);
    u32 edges() const { return edges_reached_.load(); }
    // One bit for each edge, the lowest first; complete once every core has stopped.
    Bytes edge_bits() const;

    // How many edges the target has.
    u32 counters() const { return static_cast<u32>(hits_.size()); }
    // Adds about how many of a core's cases reached an edge; each core calls it when its run has ended.
    void add_hits(u32 edge, u64 hits);
    // Each edge's sum as a byte (hit_levels.h), once every core has ended.
    Bytes hit_levels();

    // Run by all cores so far.
    u64 cases() const;

    u32 cores() const { return static_cast<u32>(rings_.size()) - 1; }
    InputRing &input_ring(u32 core) { return rings_[core]; }
    // Inputs from outside of the machine. Core 0 writes and reads it.
    InputRing &given_inputs() { return rings_[cores()]; }
    CoreCounts &counts(u32 core) { return counts_[core]; }
    const CoreCounts &counts(u32 core) const { return counts_[core]; }
    CrashDedup &crashes() { return crashes_; }
    const CrashDedup &crashes() const { return crashes_; }
    LastCrash &last_crash() { return last_crash_; }
    // The hashes of timeouts and of out_of_memory.
    CrashDedup &timeouts() { return timeouts_; }
    const CrashDedup &timeouts() const { return timeouts_; }
    CrashDedup &starved() { return starved_; }
    const CrashDedup &starved() const { return starved_; }

  private:
    CoreCounts counts_[max_cores];
    Span<InputRing> rings_;
    Span<Atomic<u64>> edge_bits_;
    Span<Atomic<u32>> hits_; // of each edge
    Span<u8> levels_;        // the same for the record
    CrashDedup crashes_, timeouts_, starved_;
    LastCrash last_crash_;
    u64 case_limit_;
    alignas(64) Atomic<u64> granted_;
    Atomic<u32> edges_reached_;
    Atomic<u32> stop_;
};

} // namespace fuzz
