// tests/unit/targets/slices_test.cpp — how the target's runtime deals the edge budget to threads.
//
// The runtime's names of errors and flags are macros of the system's headers, so it comes first.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wold-style-cast" // it is C
extern "C" {
#include "targets/runtime/linux/slices.c" // NOLINT(bugprone-suspicious-include)

struct rl_hot rl_hot;
u64 rl_clock_ns;
static u32 threads_now;
u32 rl_thread_count() { return threads_now; }
void rl_advance_clock(u64 to) { rl_clock_ns = to; }
void rl_give_way() { rl_begin_slice(); }
void rl_deliver_signals() {}
}
#pragma clang diagnostic pop
#undef MIN
#undef PAGE

#include <vector>

#include "tests/sim/test.h"

namespace {

class Slices : public testing::Test {
  protected:
    Slices() { rl_hot = {}, rl_clock_ns = 0, rl_schedule_seed = 0, threads_now = 2; }
    // As rl_edge_limit does: false when the case ends.
    static bool pass_edge() {
        if (--rl_hot.budget >= 0) return true;
        if (rl_hot.budget + rl_hot.held < 0) return false;
        rl_end_slice();
        return true;
    }
    static u64 edges_until_the_end() {
        u64 count = 0;
        while (pass_edge()) ++count;
        return count;
    }
};

TEST_F(Slices, TheBudgetIsExactWhateverItsSlicesAre) {
    for (const i64 budget : {0, 1, 2, 100, 8191, 8192, 8193, 1'000'000})
        for (const u64 seed : {0ul, 1ul, ~0ul}) {
            rl_schedule_seed = seed;
            rl_hot.budget = budget, rl_hot.held = 0;
            rl_begin_slice();
            EXPECT_EQ(edges_until_the_end(), static_cast<u64>(budget)) << "seed " << seed;
        }
}

TEST_F(Slices, OneThreadHasTheWholeBudget) {
    rl_hot.budget = 10, rl_hot.held = 90, threads_now = 1;
    rl_begin_slice();
    EXPECT_EQ(rl_hot.budget, 100);
    EXPECT_EQ(rl_hot.held, 0);
    EXPECT_FALSE(rl_hot.sliced);
}

std::vector<i64> lengths(u64 seed) {
    std::vector<i64> found;
    rl_schedule_seed = seed;
    for (u32 i = 0; i < 100; ++i) {
        rl_hot.budget = 1'000'000, rl_hot.held = 0;
        rl_begin_slice();
        found.push_back(rl_hot.budget);
    }
    return found;
}

TEST_F(Slices, OneSeedGivesTheSameLengthsAndAnotherGivesOthers) {
    EXPECT_EQ(lengths(7), lengths(7));
    EXPECT_NE(lengths(7), lengths(8));
    for (const i64 length : lengths(0)) EXPECT_TRUE(length >= 1 && length <= 8192) << length;
}

TEST_F(Slices, WhatTheRuntimeSpendsBeyondASliceIsTakenFromTheRest) {
    rl_hot.budget = -50, rl_hot.held = 80;
    rl_spend_held();
    EXPECT_EQ(edges_until_the_end(), 30u);
}

TEST_F(Slices, TimePassesWithEachSlice) {
    rl_hot.budget = 100'000, rl_hot.held = 0;
    rl_begin_slice();
    edges_until_the_end();
    EXPECT_GT(rl_clock_ns, 1'000'000u);
}

} // namespace
