// tests/unit/guest/threads_test.cpp — a target with threads: its budget in slices, the seed of its schedule.
#include "guest/crash_hash.h"
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

// A stack in the memory for mappings: rbp's record leads to `back`, and nowhere from there.
rl_waiting waiting_at(ScriptedMachine &m, u64 id, u64 pc, u64 back) {
    const u64 sp = RL_MAPPING_BASE + id * 0x10000;
    put(m, sp + 0x40, std::array<u64, 2>{0, back});
    return {id, pc, sp, sp + 0x40};
}

vm::Finding deadlock_of(Loaded &loaded, u64 count) {
    loaded.to_snapshot_point().machine().then([count](ScriptedMachine &m) {
        rl_deadlock told = {};
        told.count = count;
        told.threads[0] = waiting_at(m, 3, at(Function::inner, 0x45), at(Function::describe, 0x45));
        told.threads[1] = waiting_at(m, 2, at(Function::describe, 0x45), at(Function::harness, 0x45));
        put(m, report_at, told);
        fault_in_inner(m);
        return hypercall(m, RL_CALL_DEADLOCK, report_at);
    });
    return loaded.run().finding;
}

TEST(Threads, ADeadlockHasTheStackOfEachThread) {
    Loaded loaded;
    const vm::Finding finding = deadlock_of(loaded, 2);
    EXPECT_EQ(string_of(finding.kind), "deadlock");
    ASSERT_EQ(finding.thread_count, 2u);
    EXPECT_EQ(finding.threads[0].id, 3u);
    ASSERT_EQ(finding.threads[0].frame_count, 2u);
    EXPECT_EQ(finding.threads[0].frames[1], at(Function::describe, 0x44));
    ASSERT_EQ(finding.threads[1].frame_count, 2u);
    EXPECT_EQ(finding.threads[1].frames[1], at(Function::harness, 0x44));
    EXPECT_EQ(finding.frames[0], finding.threads[0].frames[0]) << "the last one to wait is the finding's own";
}

TEST(Threads, ADeadlockWithNumbersThatCannotBeIsOneStill) {
    Loaded many;
    EXPECT_EQ(deadlock_of(many, ~0ul).thread_count, vm::max_threads);
    Loaded none;
    const vm::Finding finding = deadlock_of(none, 0);
    EXPECT_EQ(finding.thread_count, 0u);
    EXPECT_GT(finding.frame_count, 0u);
    Loaded nowhere;
    nowhere.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        fault_in_inner(m);
        return hypercall(m, RL_CALL_DEADLOCK, ~0ul - 8);
    });
    EXPECT_EQ(string_of(nowhere.run().finding.kind), "deadlock");
}

TEST(Threads, DeadlocksAtTheSamePlacesAreOneInAnyOrder) {
    Loaded loaded;
    const guest::Symbols &symbols = loaded.program_file().symbols();
    vm::Finding one;
    one.kind = "deadlock", one.thread_count = 2;
    one.threads[0].frames[0] = at(Function::inner, 8), one.threads[0].frame_count = 1;
    one.threads[1].frames[0] = at(Function::describe, 8), one.threads[1].frame_count = 1;
    vm::Finding other = one;
    std::swap(other.threads[0], other.threads[1]);
    other.threads[2] = other.threads[1], other.thread_count = 3;
    EXPECT_EQ(guest::crash_hash(one, symbols), guest::crash_hash(other, symbols));
    other.threads[2].frames[0] = at(Function::harness);
    EXPECT_NE(guest::crash_hash(one, symbols), guest::crash_hash(other, symbols));
}

} // namespace
