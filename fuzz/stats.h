// fuzz/stats.h — the counters of each core, written by that core alone and read by any.
#pragma once

#include "base/atomic.h"
#include "vm/outcome.h"

namespace fuzz {

// Sums since the start of the run. A reader may see a case of which only a part is counted; the last
// statistics are exact because the workers have stopped.
struct alignas(64) CoreCounts {
    Atomic<u64> cases, done, crashes, timeouts, out_of_memory; // cases by their ending
    Atomic<u64> exits, new_pages, requests, refused_calls, ticks, cpuid_exits, other_exits;
    Atomic<u64> dirty_pages, reset_bytes, allocations, evicted_pages;
    Atomic<u64> corpus, edges, features; // this core's own
    Atomic<u64> imported, overtaken;     // inputs taken from other cores; times that a reader missed some
    Atomic<u64> refused, evicted;        // inputs that a full corpus did not add, and removed
    Atomic<u64> digests, deferred; // verified resets; crashes and timeouts that the outbox had no room for
    Atomic<u64> waiting;           // corpus records not yet queued
    Atomic<u64> seeds_left;        // seeds and earlier inputs that this core has not run yet
    // In time stamps: in the target, in its runs without the target, in resets, in mutation, and in all.
    Atomic<u64> time_target, time_exits, time_reset, time_mutation, time_all;

    void set_machine_counts(const vm::Statistics &spent) {
        exits.store(spent.exits), new_pages.store(spent.new_pages), requests.store(spent.requests),
            refused_calls.store(spent.refused_calls);
        ticks.store(spent.ticks), other_exits.store(spent.other_exits), dirty_pages.store(spent.dirty_pages);
        cpuid_exits.store(spent.cpuid_exits);
        reset_bytes.store(spent.reset_bytes), allocations.store(spent.allocations);
        evicted_pages.store(spent.evicted_pages);
    }
};

// Figures of the machine that the fuzzer prints without knowing their meaning.
struct MachineFigures {
    u64 frames_free = 0;
    u64 heap_live = 0;
    u64 schedule = 0;         // seed of the order of the target's threads
    u64 hardware_errors = 0;  // that the hardware corrected, or has not used yet
    u64 stray_interrupts = 0; // that no code asked for
};

} // namespace fuzz
