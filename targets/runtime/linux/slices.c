// targets/runtime/linux/slices.c — slices: a thread that does not wait gives way after a number of edges.
//
// With one thread, rl_hot.budget is all that is left of the case's edge budget. With several, it is what is
// left of the running thread's slice, and rl_hot.held is the rest. Their sum is exact: an edge that ends a
// slice is counted like any other. The edge finds the end by the check that it makes anyhow (pass_edge).
//
// The lengths vary, so that threads meet in many ways, and repeat: they are made from a seed that is part of
// the snapshot. Virtual time moves with the slices; else a loop that waits for a thread that sleeps would not
// end. It moves faster than on a processor, so that such a loop does not use up the budget.
#include "targets/runtime/linux/linux.h"

enum { longest_slice = 8192, ns_per_edge = 100 }; // chosen

u64 rl_schedule_seed;
static u64 length; // of the running thread's slice

// Knuth's linear congruential generator (MMIX): its upper bits are good enough for lengths.
static u64 next_length(void) {
    rl_schedule_seed = rl_schedule_seed * 6364136223846793005u + 1442695040888963407u;
    return 1 + (rl_schedule_seed >> 33) % longest_slice;
}

void rl_end_slices(void) {
    rl_hot.budget += rl_hot.held;
    rl_hot.held = 0;
    rl_hot.sliced = rl_thread_count() > 1;
}

void rl_begin_slice(void) {
    rl_end_slices();
    if (!rl_hot.sliced) return;
    length = next_length();
    const i64 left = rl_hot.budget;
    rl_hot.budget = MIN(left, (i64)length);
    rl_hot.held = left - rl_hot.budget;
}

// Called by entry.asm with the thread's registers in rl_current. Returns to the thread that is then
// rl_current.
void rl_end_slice(void) {
    rl_advance_clock(rl_clock_ns + length * ns_per_edge);
    rl_give_way();
    rl_deliver_signals();
}

// The runtime has spent more than the slice: the next edge ends it. Called by entry.asm.
void rl_spend_held(void) {
    rl_end_slices();
    rl_hot.held = rl_hot.budget;
    rl_hot.budget = 0;
}
