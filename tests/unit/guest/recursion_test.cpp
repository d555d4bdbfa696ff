// tests/unit/guest/recursion_test.cpp — recursion in a stack: one round stays, and the crash hash does not
// see how many there were.
#include "guest/recursion.h"

#include <string>
#include <vector>

#include "guest/crash_hash.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

struct Folded {
    std::string frames;
    std::vector<vm::Recursion> recursion;
    bool all = true;
};

// A letter is a function; its frames have different addresses.
Folded fold(const std::string &functions, usize room = vm::max_target_frames) {
    u64 frames[vm::max_target_frames] = {};
    vm::Recursion recursions[vm::max_recursions];
    guest::RecursionFold fold({frames, room}, recursions);
    Folded result;
    for (usize i = 0; i < functions.size() && result.all; ++i)
        result.all = fold.add(u64(functions[i]) << 32 | i, u64(functions[i]));
    for (u32 i = 0; i < fold.count(); ++i) result.frames += static_cast<char>(frames[i] >> 32);
    result.recursion.assign(recursions, recursions + fold.recursion_count());
    return result;
}

TEST(RecursionFold, AStackWithoutRecursionStaysAsItIs) {
    EXPECT_EQ(fold("abcabd").frames, "abcabd");
    EXPECT_TRUE(fold("abcabd").recursion.empty());
}

TEST(RecursionFold, AFunctionThatCallsItselfIsListedOnce) {
    const Folded folded = fold("baaaac");
    EXPECT_EQ(folded.frames, "bac");
    ASSERT_EQ(folded.recursion.size(), 1u);
    EXPECT_EQ(folded.recursion[0].first, 1u);
    EXPECT_EQ(folded.recursion[0].length, 1u);
    EXPECT_EQ(folded.recursion[0].repeats, 3u);
}

TEST(RecursionFold, FunctionsThatCallEachOtherAreOneRound) {
    const Folded folded = fold("xabcabcabcaby");
    EXPECT_EQ(folded.frames, "xabcaby") << "the last round is not whole";
    ASSERT_EQ(folded.recursion.size(), 1u);
    EXPECT_EQ(folded.recursion[0].first, 1u);
    EXPECT_EQ(folded.recursion[0].length, 3u);
    EXPECT_EQ(folded.recursion[0].repeats, 2u);
}

TEST(RecursionFold, RoundsInsideRoundsFoldAsWell) {
    EXPECT_EQ(fold("abbbcabbcabcz").frames, "abcz");
    EXPECT_EQ(fold("abbbcabbcabcz").recursion.size(), 2u);
}

TEST(RecursionFold, AnyDepthFitsAndWhatIsBehindItIsSeen) {
    std::string deep;
    for (u32 i = 0; i < 5000; ++i) deep += "abcdefghijklmnopqrstuvwxyzABCD"; // 30 functions
    const Folded folded = fold(deep + "01");
    EXPECT_TRUE(folded.all);
    EXPECT_EQ(folded.frames, "abcdefghijklmnopqrstuvwxyzABCD01");
    EXPECT_EQ(folded.recursion.at(0).repeats, 4999u);
}

TEST(RecursionFold, AFullTableEndsTheStack) {
    EXPECT_EQ(fold("abcd", 3).frames, "abc");
    EXPECT_FALSE(fold("abcd", 3).all);
    EXPECT_EQ(fold("aaab", 1).frames, "a") << "there is no room for two rounds";
}

TEST(RecursionFold, ThereMayBeMoreRecursionThanIsNoted) {
    std::string many;
    for (char c = 'a'; c <= 'z'; ++c) many += {c, c};
    EXPECT_EQ(fold(many).frames.size(), 26u);
    EXPECT_EQ(fold(many).recursion.size(), vm::max_recursions);
}

using sample::at;
using sample::Function;

struct RecursiveCrashHash : testing::Test {
    sample::Loaded loaded;
    u64 hash(const char *kind, const std::vector<Function> &functions) {
        vm::Finding finding;
        finding.kind = Text(kind, std::strlen(kind));
        for (usize i = 0; i < functions.size(); ++i) finding.frames[i] = at(functions[i], 0x10 + i);
        finding.frame_count = static_cast<u32>(functions.size());
        return guest::crash_hash(finding, loaded.program_file().symbols());
    }
};

TEST_F(RecursiveCrashHash, IsThatOfTheThreeInnermostFunctionsWhateverIsBehindThem) {
    const u64 three = hash("abort", {Function::inner, Function::describe, Function::harness});
    EXPECT_EQ(hash("abort", {Function::inner, Function::describe, Function::harness, Function::start}),
              three);
    EXPECT_NE(hash("abort", {Function::describe, Function::inner, Function::harness}), three);
    EXPECT_NE(hash("segv", {Function::inner, Function::describe, Function::harness}), three);
}

TEST_F(RecursiveCrashHash, DoesNotDependOnTheDepthOfARecursion) {
    const u64 once = hash("abort", {Function::inner, Function::describe, Function::harness});
    EXPECT_EQ(hash("abort", {Function::inner, Function::inner, Function::describe, Function::harness}), once);
    EXPECT_EQ(hash("abort", {Function::inner, Function::describe, Function::inner, Function::describe,
                             Function::inner, Function::harness}),
              once);
}

TEST_F(RecursiveCrashHash, OfAStackOverflowIsTheSameWhereverTheStackEnds) {
    const auto in = [this](const std::vector<Function> &functions) {
        return hash("stack-overflow", functions);
    };
    const u64 rounds = in({Function::inner, Function::describe, Function::inner, Function::describe});
    EXPECT_EQ(in({Function::describe, Function::inner, Function::describe, Function::inner}), rounds);
    EXPECT_EQ(in({Function::start, Function::inner, Function::describe, Function::inner, Function::describe}),
              rounds)
        << "what the recursion calls at its end";
    EXPECT_NE(in({Function::inner, Function::inner, Function::harness}), rounds);
    EXPECT_NE(in({Function::inner, Function::describe, Function::harness}), rounds) << "no recursion";
}

TEST_F(RecursiveCrashHash, OfAStackOverflowIsThatOfTheRoundThatStands) {
    vm::Finding finding;
    finding.kind = "stack-overflow";
    finding.frames[0] = at(Function::start), finding.frames[1] = at(Function::inner);
    finding.frames[2] = at(Function::describe), finding.frame_count = 3;
    finding.recursions[0] = {1, 2, 400}, finding.recursion_count = 1;
    EXPECT_EQ(
        guest::crash_hash(finding, loaded.program_file().symbols()),
        hash("stack-overflow", {Function::describe, Function::inner, Function::describe, Function::inner}));
}

} // namespace
