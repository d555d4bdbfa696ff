// tests/unit/guest/limits_test.cpp — cases that exceed a limit: edges, deadlines, memory; and the end of a
// run.
#include "guest/codes.h"
#include "guest/process.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;

TEST(ProcessLimits, BothKindsOfTimeoutAreTimeouts) {
    Loaded loaded;
    loaded.to_snapshot_point();
    loaded.machine().then([](ScriptedMachine &m) {
        put(m, budget_at, i64{-1});
        return hypercall(m, RL_CALL_TIMEOUT);
    });
    const vm::Outcome budget = loaded.run();
    EXPECT_EQ(budget.ending, vm::Ending::timeout);
    EXPECT_EQ(budget.edges_spent, 1000u);
    loaded.process().reset().take();
    vm::Exit late;
    late.kind = vm::ExitKind::deadline;
    loaded.machine().then(late).then(late);
    const vm::Outcome hang = loaded.run();
    EXPECT_EQ(hang.ending, vm::Ending::timeout);
    EXPECT_EQ(string_of(hang.finding.kind), "timeout");
}

// A case is slow, and no hang, while it spends edges: only when its deadline passes without any it is over.
TEST(ProcessLimits, ACaseThatSpendsEdgesGetsAnotherDeadline) {
    Loaded loaded;
    loaded.to_snapshot_point();
    vm::Exit late;
    late.kind = vm::ExitKind::deadline;
    for (const i64 left : {900, 500, 100})
        loaded.machine().then([late, left](ScriptedMachine &m) {
            put(m, budget_at, left);
            return late;
        });
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    EXPECT_EQ(loaded.run().ending, vm::Ending::done);
    EXPECT_TRUE(loaded.machine().played());
    loaded.process().reset().take();
    for (const i64 left : {900, 950})
        loaded.machine().then([late, left](ScriptedMachine &m) {
            put(m, budget_at, left);
            return late;
        });
    EXPECT_EQ(loaded.run().ending, vm::Ending::timeout) << "the target wrote to its budget";
}

// A case that takes several deadlines looks at each whether the run was asked to stop.
TEST(ProcessLimits, ALongCaseEndsWhenTheRunIsAskedToStop) {
    Loaded loaded;
    loaded.to_snapshot_point();
    u32 asked = 0;
    loaded.process().set_stop_signal({[](void *count) { return ++*static_cast<u32 *>(count) == 3; }, &asked});
    vm::Exit late;
    late.kind = vm::ExitKind::deadline;
    for (const i64 left : {900, 500, 100})
        loaded.machine().then([late, left](ScriptedMachine &m) {
            put(m, budget_at, left);
            return late;
        });
    EXPECT_EQ(loaded.run().ending, vm::Ending::stopped);
    EXPECT_EQ(asked, 3u);
    EXPECT_TRUE(loaded.machine().played());
    loaded.process().reset().take();
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    EXPECT_EQ(loaded.run().ending, vm::Ending::done);
}

TEST(ProcessLimits, ATimeoutSaysWhereItWas) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        put(m, budget_at, i64{-1});
        return hypercall(m, RL_CALL_TIMEOUT, code + 0x20);
    });
    const vm::Outcome outcome = loaded.run();
    ASSERT_GT(outcome.finding.frame_count, 0u);
    EXPECT_EQ(outcome.finding.frames[0], code + 0x1f);
    EXPECT_NE(outcome.finding.hash, 0u);
}

TEST(ProcessLimits, AHeapThatIsUsedUpIsOutOfMemoryAndNoCrash) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        rl_report report = {};
        report.kind = rl_kind_out_of_memory, report.size = 100;
        put(m, report_at, report);
        return hypercall(m, RL_CALL_CRASH, report_at);
    });
    const vm::Outcome outcome = loaded.run();
    EXPECT_EQ(outcome.ending, vm::Ending::out_of_memory);
    EXPECT_EQ(string_of(outcome.finding.kind), "out-of-memory");
}

TEST(ProcessLimits, ACaseThatItsMachineHasNoPagesForIsAnEndingAndTheNextRuns) {
    Loaded loaded;
    loaded.to_snapshot_point();
    loaded.machine().then([](ScriptedMachine &) -> rstate::Result<vm::Exit> {
        return FAIL(vm::out_of_memory, "as the test wants it");
    });
    const vm::Outcome outcome = loaded.run();
    EXPECT_EQ(outcome.ending, vm::Ending::out_of_memory);
    EXPECT_EQ(string_of(outcome.finding.kind), "out-of-memory");
    loaded.process().reset().take();
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    EXPECT_EQ(loaded.run().ending, vm::Ending::done);
}

} // namespace
