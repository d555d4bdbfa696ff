// tests/unit/fuzz/target_mutator_test.cpp — the worker with a target that has a mutator of its own.
#include "fuzz/codes.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fake::Rig;
using fake::Trace;

void one_edge(Bytes input, Trace &trace) { trace.edge(input.empty() ? 0u : input[0] % 4u); }

std::string wrap(const std::string &input, const std::string &) { return "<" + input.substr(0, 20) + ">"; }

TEST(TargetMutator, MakesEveryInputButTheSeeds) {
    Rig rig(8, one_edge, 2000, {}, 64, {.mutates = true});
    rig.executor.mutator = wrap;
    rig.run({"a", "b"}).take();
    u64 wrapped = 0;
    for (const std::string &input : rig.executor.inputs) {
        const bool seed = input == "a" || input == "b";
        ASSERT_TRUE(seed || (input.front() == '<' && input.back() == '>')) << input;
        wrapped += !seed;
    }
    EXPECT_GT(wrapped, 1000u);
    EXPECT_LT(rig.executor.mutator_runs, wrapped / 4) << "several mutants a run";
}

TEST(TargetMutator, CrossesOverBesideTheOtherMutators) {
    Rig rig(8, one_edge, 2000, {}, 64, {.crosses_over = true});
    rig.executor.mutator = [](const std::string &a, const std::string &b) { return "<" + a + "|" + b + ">"; };
    rig.run({"a", "b"}).take();
    u64 crossed = 0;
    for (const std::string &input : rig.executor.inputs) crossed += input.find('|') != std::string::npos;
    EXPECT_GT(crossed, 100u);
    EXPECT_LT(crossed, 1900u);
}

TEST(TargetMutator, ThatMakesNothingIsReplacedByTheOthers) {
    Rig rig(8, one_edge, 500, {}, 64, {.mutates = true});
    rig.run({"a"}).take(); // no mutator: each run makes nothing
    EXPECT_GT(rig.executor.mutator_runs, 10u);
    EXPECT_EQ(rig.executor.inputs.size(), 500u);
}

// The target writes the mutants' sizes, so they may be anything.
TEST(TargetMutator, WithImpossibleSizesGivesNothing) {
    for (const u32 size : {5u, 65u, 0x7fff'ffffu, ~0u}) {
        fake::Executor executor(8, one_edge, {.mutates = true});
        executor.forged = size;
        fake::Memory memory(4096), words(fuzz::Dictionary::memory(0, 16));
        fuzz::TargetMutator mutator(fuzz::Executor::of(executor), memory, 1024, 64);
        const fuzz::Dictionary dictionary(words, fuzz::GivenTokens(), 16);
        Random random(1);
        mutator.refill(fake::bytes("abc"), Bytes(), dictionary, random).take();
        u8 room[64];
        fuzz::Buffer out{MutableBytes(room, sizeof room)};
        EXPECT_EQ(mutator.take(out), false) << size;
        EXPECT_FALSE(mutator.waiting());
    }
}

TEST(TargetMutator, OneSeedRepeats) {
    std::vector<std::string> inputs[2];
    for (auto &list : inputs) {
        Rig rig(8, one_edge, 300, {.seed = 5}, 64, {.mutates = true});
        rig.executor.mutator = wrap;
        rig.run({"a", "b"}).take();
        list = rig.executor.inputs;
    }
    EXPECT_EQ(inputs[0], inputs[1]);
}

} // namespace
