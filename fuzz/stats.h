// fuzz/stats.h — what each core counts, written by that core alone and read by any.
#pragma once

#include "base/atomic.h"
#include "vm/outcome.h"

namespace fuzz {

// Sums since the start of the run. A reader may see one case half counted; the last statistics are exact
// because the workers have stopped.
struct alignas(64) CoreCounts {
    Atomic<u64> cases, done, crashes, timeouts, out_of_memory; // cases by their ending
    Atomic<u64> exits, new_pages, system_calls, ticks, other_exits;
    Atomic<u64> dirty_pages, reset_bytes, allocations, shed_pages;
    Atomic<u64> corpus, edges, features; // this core's own
    Atomic<u64> imported, overtaken;     // inputs taken from other cores; times that were missed
    Atomic<u64> refused, evicted;        // inputs a full corpus did not take, or let go
    Atomic<u64> digests, deferred;       // resets verified; crashes left for later for want of room
    Atomic<u64> waiting;                 // corpus records not yet queued
    // By the time stamp: in the target, around it in its runs, in resets, in making inputs, and all together.
    Atomic<u64> time_target, time_exits, time_reset, time_mutation, time_all;

    void take_in(const vm::Spent &spent) {
        exits.store(spent.exits), new_pages.store(spent.new_pages), system_calls.store(spent.system_calls);
        ticks.store(spent.ticks), other_exits.store(spent.other_exits), dirty_pages.store(spent.dirty_pages);
        reset_bytes.store(spent.reset_bytes), allocations.store(spent.allocations);
        shed_pages.store(spent.shed_pages);
    }
};

// Figures of the machine that the fuzzer prints but does not know.
struct MachineFigures {
    u64 frames_free = 0;
    u64 heap_live = 0;
};

} // namespace fuzz
