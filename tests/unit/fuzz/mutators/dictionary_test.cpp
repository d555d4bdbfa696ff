// tests/unit/fuzz/mutators/dictionary_test.cpp — packed tokens as the host gives them, and learned ones.
#include "fuzz/mutators/dictionary.h"

#include "fuzz/codes.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using Tokens = std::vector<std::string>;

std::string packed(const Tokens &tokens) {
    std::string all;
    for (const std::string &token : tokens) {
        all += static_cast<char>(token.size()), all += static_cast<char>(token.size() >> 8);
        all += token;
    }
    return all;
}

struct Loaded {
    explicit Loaded(const Tokens &tokens, u32 learned = 6)
        : bytes(packed(tokens)), given(fuzz::GivenTokens::read(fake::bytes(bytes)).take()),
          memory(fuzz::Dictionary::memory(given.count(), learned)), dictionary(memory, given, learned) {}

    Tokens tokens() const {
        Tokens all;
        for (u32 i = 0; i < dictionary.given() + dictionary.learned(); ++i)
            all.push_back(fake::string(dictionary.token(i)));
        return all;
    }

    std::string bytes;
    fuzz::GivenTokens given;
    fake::Memory memory;
    fuzz::Dictionary dictionary;
};

TEST(Dictionary, GivenTokensOfAnySizeAndByte) {
    const Tokens tokens = {"a", std::string("\0\xff", 2), "GIF89a", std::string(64, 'x'),
                           std::string(4096, 'y')};
    const Loaded loaded(tokens);
    EXPECT_EQ(loaded.dictionary.given(), 5u);
    EXPECT_EQ(loaded.tokens(), tokens);
    EXPECT_TRUE(Loaded({}).dictionary.empty());
}

TEST(Dictionary, ThousandsOfGivenTokensAreAllUsedAndLeaveRoomForLearnedOnes) {
    Tokens tokens;
    for (int i = 0; i < 20'000; ++i) tokens.push_back(std::to_string(100'000 + i));
    Loaded loaded(tokens);
    EXPECT_EQ(loaded.dictionary.given(), tokens.size());
    loaded.dictionary.learn(fake::bytes("111111"));
    EXPECT_EQ(loaded.dictionary.learned(), 0u) << "it was given";
    loaded.dictionary.learn(fake::bytes("learned"));
    EXPECT_EQ(loaded.dictionary.learned(), 1u);
    Random random(1);
    u32 learned = 0, high = 0;
    for (u32 i = 0; i < 1000; ++i) {
        const std::string token = fake::string(loaded.dictionary.random_token(random));
        learned += token == "learned";
        high += token >= "110000";
    }
    EXPECT_NEAR(learned, 500, 100);
    EXPECT_NEAR(high - learned, 250, 100);
}

TEST(Dictionary, WhatTheHostDoesNotPackIsRefused) {
    const std::string bad[] = {std::string(1, 'x'),     packed({""}),       packed({"abc"}).substr(0, 4),
                               packed({"b", "a"}),      packed({"a", "a"}), packed({"ab", "a"}),
                               packed({"a", "b"}) + "x"};
    for (const std::string &bytes : bad)
        EXPECT_TRUE(fails_with(fuzz::GivenTokens::read(fake::bytes(bytes)), fuzz::bad_dictionary)) << bytes;
}

TEST(Dictionary, LearnedTokensReplaceTheOldestLearnedOnesAndNeverGivenOnes) {
    Loaded loaded({"given"}, 7);
    for (const char *token : {"1", "2", "3", "4", "5", "6", "7", "7", "given", "8"})
        loaded.dictionary.learn(fake::bytes(token));
    EXPECT_EQ(loaded.tokens(), (Tokens{"given", "8", "2", "3", "4", "5", "6", "7"}));
}

} // namespace
