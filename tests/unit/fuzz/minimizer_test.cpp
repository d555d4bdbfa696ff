// tests/unit/fuzz/minimizer_test.cpp — how inputs shrink.
#include "fuzz/minimizer.h"

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

struct MinimizerTest : testing::Test {
    u8 room[2][1024];
    fuzz::Buffer input{MutableBytes(room[0])}, proposal{MutableBytes(room[1])};
    u32 runs = 0;

    template <class Holds> std::string shrink(const std::string &text, Holds &&holds) {
        input.assign(fake::bytes(text));
        fuzz::Minimizer minimizer(input, proposal);
        for (runs = 0; runs < 100000 && minimizer.propose(); ++runs) {
            EXPECT_LT(proposal.size(), input.size());
            if (holds(fake::string(proposal.bytes()))) minimizer.accept();
        }
        return fake::string(input.bytes());
    }
};

TEST_F(MinimizerTest, WhatDoesNotMatterIsLeftOut) {
    const std::string text = std::string(300, 'x') + "BUG" + std::string(200, 'y') + "!";
    const auto holds = [](const std::string &t) {
        return t.find("BUG") != std::string::npos && t.find('!') != std::string::npos;
    };
    EXPECT_EQ(shrink(text, holds), "BUG!");
    EXPECT_LT(runs, 60u);
}

TEST_F(MinimizerTest, NothingIsLeftWhenNothingMatters) {
    EXPECT_EQ(shrink(std::string(1000, 'x'), [](const std::string &) { return true; }), "");
    EXPECT_EQ(shrink("", [](const std::string &) { return true; }), "");
    EXPECT_EQ(runs, 0u);
}

TEST_F(MinimizerTest, AnInputOfWhichAllMattersStaysAndTheStepsEnd) {
    const std::string text = "every byte of this";
    EXPECT_EQ(shrink(text, [&](const std::string &t) { return t == text; }), text);
    EXPECT_LT(runs, 3 * text.size());
}

} // namespace
