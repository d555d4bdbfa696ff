// tests/unit/base/random_test.cpp — the two generators: one repeats, the other cannot be foreseen.
#include "base/random.h"

#include <set>

#include "base/text.h"
#include "tests/sim/test.h"

namespace {

TEST(Random, OneSeedGivesOneSequence) {
    Random one(7), same(7), other(8);
    bool differs = false;
    for (u32 i = 0; i < 100; ++i) {
        const u64 word = one.next();
        EXPECT_EQ(word, same.next());
        differs |= word != other.next();
    }
    EXPECT_TRUE(differs);
}

TEST(Random, TheSequenceIsPartOfTheRecordAndNeverChanges) {
    Random random(1); // a saved run's seed must give the same run in later versions
    EXPECT_EQ(random.next(), 12966619160104079557u);
    EXPECT_EQ(random.next(), 9600361134598540522u);
}

template <class Generator> void expect_even(Generator &generator) {
    u32 counts[6] = {};
    for (u32 i = 0; i < 60'000; ++i) {
        const u64 n = generator.below(6);
        ASSERT_LT(n, 6u);
        ++counts[n];
    }
    for (const u32 count : counts) EXPECT_NEAR(count, 10'000, 500) << "five standard deviations";
}

TEST(Random, BelowIsEven) {
    Random random(3);
    expect_even(random);
    KeyedRandom keyed;
    expect_even(keyed);
    EXPECT_EQ(random.below(1), 0u);
    EXPECT_EQ(keyed.below(1), 0u);
}

// RFC 8439 §2.3.2 "Test Vector for the ChaCha20 Block Function" has a nonce, ours is zero: this is A.1, #1.
TEST(KeyedRandom, TheBlockFunctionIsChaCha20s) {
    const u32 key[8] = {};
    u32 block[16];
    chacha20_block(key, 0, block);
    const u32 expected[] = {0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653, 0xb819d2bd, 0x1aed8da0,
                            0xccef36a8, 0xc70d778b, 0x7c5941da, 0x8d485751, 0x3fe02477, 0x374ad8b8,
                            0xf4b8436a, 0x1ca11815, 0x69b687c3, 0x8665eeb2};
    for (u32 i = 0; i < 16; ++i) EXPECT_EQ(block[i], expected[i]);
    chacha20_block(key, 1, block); // A.1, #2
    EXPECT_EQ(block[0], 0xbee7079fu);
}

TEST(KeyedRandom, MixingAddsToWhatThereIsAndNeverReplacesIt) {
    KeyedRandom plain, first, second, both;
    first.mix_u64(1);
    second.mix_u64(1);
    second.mix_u64(0);
    both.mix_u64(0);
    both.mix_u64(1);
    std::set<u64> words{plain.next(), first.next(), second.next(), both.next()};
    EXPECT_EQ(words.size(), 4u);
}

TEST(KeyedRandom, TheSameEntropyInTheSameOrderGivesTheSameWords) {
    KeyedRandom one, same;
    for (KeyedRandom *random : {&one, &same}) random->mix(Text("entropy").bytes());
    for (u32 i = 0; i < 20; ++i) EXPECT_EQ(one.next(), same.next());
}

TEST(KeyedRandom, MixingInTheMiddleChangesTheVeryNextWord) {
    KeyedRandom one, other;
    EXPECT_EQ(one.next(), other.next());
    other.mix_u64(5);
    EXPECT_NE(one.next(), other.next());
}

TEST(KeyedRandom, WordsDoNotRepeat) {
    KeyedRandom random;
    std::set<u64> words;
    for (u32 i = 0; i < 10'000; ++i) EXPECT_TRUE(words.insert(random.next()).second);
}

} // namespace
