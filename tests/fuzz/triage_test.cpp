// tests/fuzz/triage_test.cpp — when two crashes are the same, and how inputs shrink.
#include "fuzz/triage.h"

#include "tests/fuzz/fake.h"
#include "tests/sim/test.h"

namespace {

using fuzz::crash_hash;

// Functions of 0x100 bytes named f1, f2, ...; nothing below 0x100 is known.
bool resolve(void *, u64 pc, const Output &out) {
    if (pc < 0x100) return false;
    print(out, "f{}+{x}", pc / 0x100, pc % 0x100);
    return true;
}
const rstate::Resolver resolver{resolve, nullptr};

vm::Finding finding(Text kind, std::initializer_list<u64> frames) {
    vm::Finding f;
    f.kind = kind;
    for (const u64 pc : frames) f.frames[f.frame_count++] = pc;
    return f;
}

TEST(CrashHash, PlacesWithinTheSameThreeFunctionsAreOneCrash) {
    const u64 hash = crash_hash(finding("overflow", {0x110, 0x220, 0x330, 0x440}), &resolver);
    EXPECT_EQ(hash, crash_hash(finding("overflow", {0x118, 0x2ff, 0x300, 0x990}), &resolver));
    EXPECT_NE(hash, crash_hash(finding("overflow", {0x110, 0x220, 0x430, 0x440}), &resolver));
    EXPECT_NE(hash, crash_hash(finding("overflow", {0x220, 0x110, 0x330, 0x440}), &resolver));
    EXPECT_NE(hash, crash_hash(finding("use after free", {0x110, 0x220, 0x330, 0x440}), &resolver));
}

TEST(CrashHash, FewerFramesAndUnknownPlacesStillTellCrashesApart) {
    const u64 none = crash_hash(finding("overflow", {}), &resolver);
    const u64 one = crash_hash(finding("overflow", {0x10}), &resolver);
    const u64 other = crash_hash(finding("overflow", {0x11}), &resolver);
    EXPECT_NE(none, one);
    EXPECT_NE(one, other);
    EXPECT_EQ(one, crash_hash(finding("overflow", {0x10}), nullptr));
}

struct ShrinkerTest : testing::Test {
    u8 room[2][1024];
    fuzz::Buffer input{MutableBytes(room[0])}, proposal{MutableBytes(room[1])};
    u32 runs = 0;

    template <class Holds> std::string shrink(const std::string &text, Holds &&holds) {
        input.assign(fake::bytes(text));
        fuzz::Shrinker shrinker(input, proposal);
        for (runs = 0; runs < 100000 && shrinker.propose(); ++runs) {
            EXPECT_LT(proposal.size(), input.size());
            if (holds(fake::string(proposal.bytes()))) shrinker.accept();
        }
        return fake::string(input.bytes());
    }
};

TEST_F(ShrinkerTest, WhatDoesNotMatterIsLeftOut) {
    const std::string text = std::string(300, 'x') + "BUG" + std::string(200, 'y') + "!";
    const auto holds = [](const std::string &t) {
        return t.find("BUG") != std::string::npos && t.find('!') != std::string::npos;
    };
    EXPECT_EQ(shrink(text, holds), "BUG!");
    EXPECT_LT(runs, 60u);
}

TEST_F(ShrinkerTest, NothingIsLeftWhenNothingMatters) {
    EXPECT_EQ(shrink(std::string(1000, 'x'), [](const std::string &) { return true; }), "");
    EXPECT_EQ(shrink("", [](const std::string &) { return true; }), "");
    EXPECT_EQ(runs, 0u);
}

TEST_F(ShrinkerTest, AnInputOfWhichAllMattersStaysAndTheStepsEnd) {
    const std::string text = "every byte of this";
    EXPECT_EQ(shrink(text, [&](const std::string &t) { return t == text; }), text);
    EXPECT_LT(runs, 3 * text.size());
}

} // namespace
