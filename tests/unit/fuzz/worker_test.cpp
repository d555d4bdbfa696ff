// tests/unit/fuzz/worker_test.cpp — one core's fuzzing against targets that are functions.
#include "fuzz/worker.h"

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fake::Rig;
using fake::Trace;
using fuzz::Pace;

// Takes one edge more for each byte that is right.
void magic(Bytes input, Trace &trace) {
    const char *const word = "FUZZ";
    trace.edge(0);
    for (u32 i = 0; i < 4; ++i) {
        if (i >= input.size() || input[i] != static_cast<u8>(word[i])) return;
        trace.edge(i + 1);
    }
}

// Four bytes compared at once.
void chunk_tag(Bytes input, Trace &trace) {
    trace.edge(0);
    if (input.size() < 8) return;
    trace.edge(2);
    u32 tag = 0;
    std::memcpy(&tag, input.data() + 4, 4);
    if (trace.equal(__builtin_bswap32(tag), 0x49484452, 4)) trace.edge(1);
}

void crash_on_x(Bytes input, Trace &trace) {
    trace.edge(0);
    for (const u8 byte : input)
        if (byte == 'x') return trace.crash("bad-x", {0x1000, 0x2000});
}

TEST(Worker, FindsAWordByteByByteFromCoverage) {
    Rig rig(8, magic, 60000);
    rig.run().take();
    EXPECT_EQ(rig.worker.edges(), 5u);
}

TEST(Worker, FindsAFourByteTagFromItsComparison) {
    Rig rig(8, chunk_tag, 3000);
    rig.run({"abcdefghijk"}).take();
    EXPECT_EQ(rig.worker.edges(), 3u);
}

TEST(Worker, RunsExactlyTheCasesItWasGranted) {
    Rig rig(8, magic, 777);
    rig.run().take();
    EXPECT_EQ(rig.worker.cases(), 777u);
    EXPECT_EQ(rig.executor.inputs.size(), 777u);
}

TEST(Worker, RunsOfTheMinimizerCountAsCases) {
    Rig rig(8, crash_on_x, 3000);
    rig.run({"seed"}).take();
    ASSERT_EQ(rig.platform.records("crash").size(), 1u);
    EXPECT_EQ(rig.executor.inputs.size(), 3000u);
    EXPECT_EQ(rig.worker.cases(), 3000u);
    EXPECT_EQ(rig.shared.counts(0).exits.load(), 3000u);
}

TEST(Worker, TimeSharesAddUp) {
    Rig rig(8, magic, 1000);
    rig.run({"seed"}).take();
    const fuzz::CoreCounts &counts = rig.shared.counts(0);
    const u64 cases = counts.cases.load();
    EXPECT_EQ(counts.time_target.load(), cases * fake::in_target);
    EXPECT_EQ(counts.time_reset.load(), cases * fake::in_reset);
    EXPECT_GE(counts.time_exits.load(), cases * fake::around_it);
    EXPECT_LE(counts.time_exits.load(), cases * (fake::around_it + 2))
        << "looking at the clock takes time too";
    EXPECT_GE(counts.time_mutation.load(), cases - 1);
    const u64 parts = counts.time_target.load() + counts.time_exits.load() + counts.time_reset.load() +
                      counts.time_mutation.load();
    EXPECT_GE(counts.time_all.load(), parts);
    EXPECT_LE(counts.time_all.load(), parts + 10 * cases);
}

TEST(Worker, CountsOfACoreAreConsistent) {
    Rig rig(8, magic, 5000);
    rig.platform.each_case = [&] {
        const fuzz::CoreCounts &counts = rig.shared.counts(0);
        ASSERT_EQ(counts.cases.load(), counts.exits.load()) << "an exit stands with its case";
        ASSERT_EQ(counts.cases.load(), counts.done.load() + counts.crashes.load() + counts.timeouts.load() +
                                           counts.out_of_memory.load());
    };
    rig.run({"seed"}).take();
}

TEST(Worker, RunsTheSeedsFirstAsTheyAre) {
    Rig rig(8, magic, 10);
    rig.run({"one", "", "three"}).take();
    EXPECT_EQ(rig.executor.inputs[0], "one");
    EXPECT_EQ(rig.executor.inputs[1], "");
    EXPECT_EQ(rig.executor.inputs[2], "three");
}

TEST(Worker, StartsWithTheEmptyInputWhenThereIsNoSeed) {
    Rig rig(8, magic, 30000);
    rig.run({}).take();
    EXPECT_EQ(rig.executor.inputs[0], "");
    EXPECT_GE(rig.worker.edges(), 3u);
}

TEST(Worker, NoInputIsLongerThanTheLimit) {
    Rig rig(8, magic, 3000, {}, 5);
    rig.run({"abcde"}).take();
    for (const std::string &input : rig.executor.inputs) ASSERT_LE(input.size(), 5u);
}

TEST(Worker, ASeedThatIsTooLongIsCut) {
    Rig rig(8, magic, 10, {}, 4);
    rig.run({"abcde"}).take();
    EXPECT_EQ(rig.executor.inputs[0], "abcd");
}

TEST(Worker, AnInputFromOutsideThatShowsSomethingNewIsKeptAndReported) {
    const std::string key = "a word that no mutation makes";
    const auto opened = [&](Bytes input, Trace &trace) {
        trace.edge(0);
        if (std::string(input.begin(), input.end()) == key) trace.edge(1);
    };
    Rig rig(8, opened, 200);
    for (const std::string &given : {key, std::string("shows nothing new")})
        EXPECT_TRUE(rig.shared.given_inputs().send(fake::bytes(given), 1));
    rig.run({"seed"}).take();
    EXPECT_EQ(rig.worker.edges(), 2u);
    EXPECT_EQ(std::count(rig.executor.inputs.begin(), rig.executor.inputs.end(), "shows nothing new"), 1);
    EXPECT_EQ(rig.platform.records("corpus").size(), 2u);
}

TEST(Worker, ATargetWithoutCountersIsAnError) {
    Rig rig(
        0, [](Bytes, Trace &) {}, 10);
    EXPECT_TRUE(fails_with(rig.run(), fuzz::no_counters));
}

TEST(Worker, TheBudgetIsFiftyTimesTheLargestSeeds) {
    Rig rig(
        8, [](Bytes input, Trace &trace) { trace.edge(0, static_cast<u32>(input.size()) * 1000); }, 10);
    rig.run({"a", "abc", "abcdefghi"}).take();
    EXPECT_EQ(rig.worker.edge_budget(), 1'000'000u) << "at least";
    Rig large(
        8, [](Bytes input, Trace &trace) { trace.edge(0, static_cast<u32>(input.size()) * 10'000); }, 10);
    large.run({"a", "abc", "abcdefghi", "ab"}).take();
    EXPECT_EQ(large.worker.edge_budget(), 50u * 90'000);
    EXPECT_EQ(large.worker.timeout_edges(), 20u * 50 * 90'000);
}

// What exceeds the first budget is run again, once for what it reaches: a slow input is kept, a loop
// reported.
TEST(Worker, ASlowCaseIsRunAgainAndAnEndlessOneIsATimeout) {
    Rig rig(
        8,
        [](Bytes input, Trace &trace) {
            trace.edge(0);
            if (input.size() > 1 && input[0] == 's') trace.edge(1, 3'000'000);
            if (input.size() > 1 && input[0] == 'e') trace.edge(2, 4'000'000'000);
        },
        20000);
    rig.run({"b"}).take();
    EXPECT_EQ(rig.platform.records("timeout").size(), 1u);
    EXPECT_EQ(rig.worker.corpus().live_count(), 2u);
    EXPECT_GE(rig.worker.edge_budget(), 2 * 3'000'000u) << "inputs like the slow one may be as slow";
    u32 endless = 0, again = 0;
    for (usize i = 0; i < rig.executor.inputs.size(); ++i) {
        const std::string &input = rig.executor.inputs[i];
        if (input.size() < 2 || input[0] != 'e') continue;
        ++endless, again += rig.executor.budgets[i] == rig.worker.timeout_edges();
    }
    EXPECT_GT(endless, 1u);
    EXPECT_EQ(again, 1u) << "a known loop is not paid for twice";
}

TEST(Worker, ACaseThatTheEndOfTheRunCutShortIsNothing) {
    Rig rig(
        8,
        [](Bytes, Trace &trace) {
            trace.edge(0);
            trace.outcome.ending = vm::Ending::stopped;
        },
        10);
    rig.run({"a"}).take();
    EXPECT_TRUE(rig.worker.corpus().empty());
    EXPECT_TRUE(rig.platform.records("timeout").empty() && rig.platform.records("crash").empty());
}

TEST(Worker, AGivenBudgetIsKept) {
    Rig rig(8, magic, 10, {.timeout_edges = 12345});
    rig.run({"a"}).take();
    EXPECT_EQ(rig.worker.edge_budget(), 12345u);
    EXPECT_EQ(rig.executor.last_options.edge_budget, 12345u);
}

TEST(Worker, TheSameSeedGivesTheSameRecords) {
    const fuzz::WorkerOptions options{.seed = 5, .pace = Pace::repeatable, .stats_every = 500};
    const auto target = [](Bytes input, Trace &trace) {
        magic(input, trace);
        if (!input.empty() && input[input.size() - 1] == 'x') trace.crash("bad-x", {input.size()});
    };
    Rig a(8, target, 5000, options), b(8, target, 5000, options);
    a.run({"abc"}).take();
    b.run({"abc"}).take();
    EXPECT_EQ(a.executor.inputs, b.executor.inputs);
    EXPECT_EQ(a.platform.console, b.platform.console);
    EXPECT_EQ(a.platform.records("stats").size(), 10u) << "one each 500 cases, the last at the end";
    EXPECT_FALSE(a.platform.records("crash").empty());
}

TEST(Worker, AnotherSeedGivesOtherInputs) {
    Rig a(8, magic, 100, {.seed = 1}), b(8, magic, 100, {.seed = 2});
    a.run().take();
    b.run().take();
    EXPECT_NE(a.executor.inputs, b.executor.inputs);
}

TEST(Worker, ACrashIsReportedOnceWithASmallInput) {
    Rig rig(8, crash_on_x, 20000);
    rig.run({"some seed"}).take();
    const auto crashes = rig.platform.records("crash");
    ASSERT_EQ(crashes.size(), 1u);
    EXPECT_NE(crashes[0].find("\"kind\":\"bad-x\""), std::string::npos);
    EXPECT_NE(crashes[0].find("\"size\":1,"), std::string::npos);
    EXPECT_NE(crashes[0].find("\"input\":\"eA==\""), std::string::npos);
    EXPECT_GT(rig.shared.counts(0).crashes.load(), 10u);
    EXPECT_NE(rig.platform.console.find("error target.bad-x on core 0, case "), std::string::npos);
}

TEST(Worker, ACrashComesWithWhatItsSmallInputPrinted) {
    const auto target = [](Bytes input, Trace &t) {
        crash_on_x(input, t);
        t.output = "input of " + std::to_string(input.size()) + " bytes\n";
    };
    Rig rig(8, target, 3000);
    rig.run({"seed with an x in it"}).take();
    ASSERT_EQ(rig.platform.records("crash").size(), 1u);
    EXPECT_NE(rig.platform.console.find("  printed: input of 1 bytes\n"), std::string::npos);
    EXPECT_NE(rig.platform.records("crash")[0].find("\"printed\":17,"), std::string::npos);
}

TEST(Worker, RefusedCallsAreReportedWhenTheirNumberDoublesAndExactlyInTheEnd) {
    for (const Pace pace : {Pace::free, Pace::repeatable}) {
        Rig rig(8, magic, 1000, {.pace = pace});
        rig.executor.refused = {{.number = 101, .name = "ptrace", .error = 38, .frames = {0x1000}}};
        rig.run().take();
        while (!rig.worker.flush()) rig.platform.send_records();
        rig.platform.send_records();
        const auto records = rig.platform.records("refused");
        ASSERT_GE(records.size(), 2u);
        EXPECT_LE(records.size(), 12u);
        EXPECT_NE(records.back().find("\"call\":\"ptrace\",\"number\":101,\"error\":38,\"count\":1000,"),
                  std::string::npos);
    }
}

TEST(Worker, ACrashThatDoesNotRepeatIsNotReportedUntilItDoes) {
    u32 hits = 0;
    Rig rig(
        8,
        [&hits](Bytes input, Trace &trace) {
            trace.edge(0);
            if (!input.empty() && input[0] == 'x' && ++hits != 2) trace.crash("bad-x", {0x1000});
        },
        20000);
    rig.run({"seed"}).take();
    EXPECT_GT(hits, 3u);
    ASSERT_EQ(rig.platform.records("crash").size(), 1u);
    EXPECT_EQ(rig.platform.records("crash")[0].find("\"case\":1,"), std::string::npos);
}

TEST(Worker, ACrashingInputStaysOutOfTheCorpus) {
    Rig rig(8, crash_on_x, 5000);
    rig.run({"seed"}).take();
    for (u32 i = 0; i < rig.worker.corpus().end(); ++i)
        EXPECT_EQ(fake::string(rig.worker.corpus().data(i)).find('x'), std::string::npos);
}

TEST(Worker, ACrashIsCalledUninitialisedOnlyWhenTheFillDecides) {
    const auto target = [](bool depends) {
        return [depends](Bytes input, Trace &trace) {
            trace.edge(0);
            if (input.size() > 3 && (!depends || trace.fill == 0xbe)) trace.crash("long", {0x1});
        };
    };
    Rig depends(8, target(true), 2000), not_depends(8, target(false), 2000);
    depends.run({"abc"}).take();
    not_depends.run({"abc"}).take();
    ASSERT_EQ(depends.platform.records("crash").size(), 1u);
    EXPECT_NE(depends.platform.records("crash")[0].find("\"uninitialised\":true"), std::string::npos);
    EXPECT_NE(not_depends.platform.records("crash")[0].find("\"uninitialised\":false"), std::string::npos);
}

TEST(Worker, ACrashWithoutRoomIsReportedLater) {
    Rig rig(
        8,
        [](Bytes input, Trace &trace) {
            trace.edge(0);
            if (!input.empty() && input[0] == 'x') trace.crash("first", {0x1});
            if (!input.empty() && input[0] == 'y') trace.crash("second", {0x2});
        },
        40000);
    rig.platform.console_open = false;
    rig.platform.each_case = [&] { rig.platform.console_open = rig.worker.cases() > 20000; };
    rig.run({"abc"}).take();
    EXPECT_EQ(rig.platform.records("crash").size(), 2u);
    EXPECT_GT(rig.shared.counts(0).deferred.load(), 0u);
}

TEST(Worker, ATimeoutIsReportedOnceForItsCoverageAndNotKept) {
    Rig rig(
        8,
        [](Bytes input, Trace &trace) {
            trace.edge(0);
            if (input.size() > 2 && input[0] == 'a') trace.edge(1, 250), trace.time_out();
            trace.output = "so far\n";
        },
        5000);
    rig.run({"b"}).take();
    EXPECT_GT(rig.shared.counts(0).timeouts.load(), 1u);
    ASSERT_EQ(rig.platform.records("timeout").size(), 1u);
    EXPECT_NE(rig.platform.records("timeout")[0].find("\"printed\":7,\"output\":\"c28gZmFyCg==\""),
              std::string::npos);
    EXPECT_EQ(rig.worker.corpus().live_count(), 1u);
}

TEST(Worker, ACaseThatNeedsTooMuchMemoryIsReportedAndNotKept) {
    Rig rig(
        8,
        [](Bytes input, Trace &trace) {
            trace.edge(0);
            if (input.size() > 2 && input[0] == 'a') trace.edge(1), trace.starve();
        },
        5000);
    rig.run({"b"}).take();
    EXPECT_GT(rig.shared.counts(0).out_of_memory.load(), 1u);
    EXPECT_EQ(rig.platform.records("out_of_memory").size(), 1u);
    EXPECT_EQ(rig.shared.starved().count(), 1u);
    EXPECT_EQ(rig.worker.corpus().live_count(), 1u);
}

TEST(Worker, AnInputThatTheHarnessRefusesIsNotKept) {
    Rig rig(
        8,
        [](Bytes input, Trace &trace) {
            trace.edge(input.size() % 8);
            trace.outcome.value = input.empty() ? 0 : -1;
        },
        2000);
    rig.run({""}).take();
    EXPECT_EQ(rig.worker.corpus().live_count(), 1u);
    EXPECT_EQ(rig.worker.edges(), 1u);
}

TEST(Worker, EveryNewInputIsReportedWithItsBytes) {
    Rig rig(8, magic, 60000);
    rig.run({"abc"}).take();
    while (!rig.worker.flush()) rig.platform.send_records();
    rig.platform.send_records();
    bool found = false;
    for (const std::string &record : rig.platform.records("corpus"))
        found |= record.find("\"data\":\"RlVaW") != std::string::npos; // FUZZ
    EXPECT_TRUE(found);
}

TEST(Worker, KnownInputsAreNotReportedAgain) {
    Rig rig(8, magic, 2);
    const std::string known = "FUZZ", part = "FU";
    const fuzz::Seed seeds[] = {{fake::bytes(known), fuzz::Source::known},
                                {fake::bytes(part), fuzz::Source::seed}};
    rig.worker.run({seeds, 2}).take();
    rig.platform.send_records();
    EXPECT_TRUE(rig.platform.records("corpus").empty()) << "the second shows nothing new";
}

TEST(Worker, CorpusRecordsWaitForTheConsoleWithoutStoppingTheWorker) {
    Rig rig(
        200,
        [](Bytes input, Trace &trace) {
            trace.edge(0);
            for (const u8 byte : input) trace.edge(byte % 200);
        },
        20000);
    rig.platform.console_open = false;
    rig.size.max_len = 64;
    rig.run({"abc"}).take();
    while (!rig.worker.flush()) rig.platform.send_records();
    rig.platform.send_records();
    EXPECT_EQ(rig.worker.cases(), 20000u);
    EXPECT_GE(rig.platform.records("corpus").size(), rig.worker.corpus().live_count());
}

TEST(Worker, StatisticsComeOnceASecondWhenItIsNotRepeatable) {
    Rig rig(8, magic, 25000);
    rig.platform.us_per_case = 400; // ten seconds
    rig.run().take();
    EXPECT_NEAR(static_cast<double>(rig.platform.records("stats").size()), 10, 1);
}

TEST(Worker, TheLastStatisticsCountEveryCase) {
    Rig rig(8, magic, 1234, {.pace = Pace::repeatable});
    rig.run().take();
    const auto stats = rig.platform.records("stats");
    ASSERT_EQ(stats.size(), 2u);
    EXPECT_NE(stats[1].find("\"case\":1234,"), std::string::npos);
    EXPECT_TRUE(rig.worker.report_last());
    rig.platform.send_records();
    EXPECT_EQ(rig.platform.records("stats").size(), 2u) << "nothing is reported twice";
}

TEST(Worker, AnIncompleteResetIsDetected) {
    Rig rig(8, magic, 1000, {.digest_every = 100});
    rig.platform.each_case = [&] {
        if (rig.worker.cases() == 250) rig.executor.digest_now = 99;
    };
    auto result = rig.run();
    ASSERT_FALSE(result.ok());
    EXPECT_TRUE(result.error().is(fuzz::reset_incomplete));
    rstate::handled(std::move(result));
    EXPECT_EQ(rig.worker.cases(), 300u);
}

TEST(Worker, AFailureOfTheMachineNamesTheCase) {
    u32 runs = 0;
    Rig rig(8, magic, 1000);
    rig.platform.each_case = [&] {
        // The machine is not at the snapshot when the next case starts.
        if (++runs == 41) rstate::handled(rig.executor.run_case({}, {}));
    };
    auto result = rig.run();
    ASSERT_FALSE(result.ok());
    const rstate::Frame *frame = result.error().frame();
    while (frame->inner->inner != nullptr) frame = frame->inner;
    EXPECT_STREQ(frame->site->text, "running one case");
    EXPECT_EQ(frame->words[0], 42u);
    rstate::handled(std::move(result));
}

TEST(Worker, StopsBetweenTwoCases) {
    Rig rig(8, magic, 0);
    rig.platform.each_case = [&] {
        if (rig.worker.cases() == 123) rig.shared.stop();
    };
    rig.run().take();
    EXPECT_EQ(rig.worker.cases(), 123u);
}

TEST(Worker, ASmallerInputWithTheSameCoverageReplacesItsParent) {
    Rig rig(8, magic, 20000);
    rig.run({"FUZZ and much more that is not needed"}).take();
    EXPECT_EQ(rig.worker.edges(), 5u);
    EXPECT_LT(rig.worker.corpus().entry(0).size, 10u);
}

// The second core's worker runs inside the first one's between_cases, for the last few cases of the run.
TEST(Worker, ACoreImportsWhatAnotherFound) {
    const fuzz::SharedSize shared_size{.cores = 2, .edges = 8, .ring_words = 4096};
    const fuzz::WorkerSize size{.edges = 8, .max_len = 32, .entries = 64, .corpus_bytes = 8192};
    const u32 capacity = fuzz::outbox_capacity(32);
    fake::Memory shared_memory(fuzz::Shared::memory(shared_size));
    fake::Memory memory(2 * (fuzz::Worker::memory(size) + fuzz::Outbox::memory(capacity)));
    fuzz::Shared shared(shared_memory, shared_size, 60000);
    fake::Executor finder(8, magic), follower(8, magic);
    fuzz::Outbox finder_box(memory, capacity), follower_box(memory, capacity);
    fake::Platform finder_platform(finder_box), follower_platform(follower_box);
    fuzz::Worker first(fuzz::Executor::of(finder), fuzz::Platform::of(finder_platform), shared, finder_box,
                       memory, size, {.core = 0, .seed = 1});
    fuzz::Worker second(fuzz::Executor::of(follower), fuzz::Platform::of(follower_platform), shared,
                        follower_box, memory, size, {.core = 1, .seed = 2});
    const std::string seed = "abc";
    const fuzz::Seed seeds[] = {{fake::bytes(seed)}};
    finder_platform.each_case = [&] {
        if (first.cases() == 59960) second.run({seeds, 1}).take();
    };
    first.run({seeds, 1}).take();
    ASSERT_EQ(first.edges(), 5u);
    EXPECT_EQ(second.edges(), 5u);
    EXPECT_LT(second.cases(), 64u);
    EXPECT_GT(shared.counts(1).imported.load(), 0u);
    EXPECT_TRUE(follower_platform.records("corpus").empty()) << "what another core found is reported there";
}

} // namespace
