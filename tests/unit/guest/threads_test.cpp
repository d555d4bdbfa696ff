// tests/unit/guest/threads_test.cpp — a target with threads: its budget in slices, the seed of its schedule.
#include "guest/process.h"

#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;

u64 spent_with(i64 now, i64 held) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([now, held](ScriptedMachine &m) {
        put(m, budget_at, now);
        put(m, budget_at + 8, held);
        return hypercall(m, RL_CALL_DONE);
    });
    return loaded.run({}, 1000).edges_spent;
}

TEST(Threads, WhatIsHeldBackForLaterSlicesIsNotSpent) {
    EXPECT_EQ(spent_with(100, 600), 300u);
    EXPECT_EQ(spent_with(-1, 1), 1000u);
    EXPECT_EQ(spent_with(-1, 500), 501u);
}

TEST(Threads, ABudgetThatTheTargetOverwroteSpendsNothingAbsurd) {
    EXPECT_EQ(spent_with(INT64_MAX, INT64_MAX), 1000u);
    EXPECT_EQ(spent_with(INT64_MIN, INT64_MIN), 1000u);
    EXPECT_EQ(spent_with(INT64_MAX, 0), 0u);
    EXPECT_EQ(spent_with(5, -10), 1000u);
}

TEST(Threads, TheTargetLearnsWhetherItCanSetTheBaseOfItsThreadsByItself) {
    for (const bool can : {false, true}) {
        Loaded loaded;
        loaded.machine().sets_bases = can;
        loaded.to_snapshot_point();
        loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_SET_FS, 0x1234560); });
        loaded.machine().then([can](ScriptedMachine &m) {
            EXPECT_EQ(m.registers().rax, can);
            EXPECT_EQ(m.system().fs_base, 0x1234560u);
            return hypercall(m, RL_CALL_DONE);
        });
        EXPECT_EQ(loaded.run().ending, vm::Ending::done);
    }
}

TEST(Threads, TheSeedOfTheScheduleIsPartOfTheSnapshot) {
    Loaded loaded;
    loaded.try_snapshot_point().take();
    loaded.process().seed_schedule(0x1234'5678'9abc).take();
    EXPECT_EQ(get<u64>(loaded.machine(), schedule_at), 0x1234'5678'9abcu);
}

TEST(Threads, ASeedThatCannotBeWrittenIsNoTarget) {
    for (const u64 address : {0ul, code, data + data_size - 4}) {
        Loaded loaded;
        rl_control block = control();
        block.schedule = address;
        EXPECT_TRUE(fails_with(loaded.try_snapshot_point(block), guest::bad_control));
    }
}

} // namespace
