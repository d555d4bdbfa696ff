// tests/unit/fuzz/corpus_test.cpp — which input owns a feature, and which input a full corpus evicts.
#include "fuzz/corpus.h"

#include <map>

#include "base/hash.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fuzz::Corpus;
using fuzz::Feature;
using fuzz::no_entry;

struct CorpusTest : testing::Test {
    static constexpr fuzz::CorpusSize size{.entries = 8, .bytes = 512, .edges = 100};
    fake::Memory memory{Corpus::memory(size)};
    Corpus corpus{memory, size};

    u32 add(const std::string &data, std::vector<Feature> features) {
        return corpus.add(fake::bytes(data), {features.data(), features.size()}, {});
    }
};

TEST_F(CorpusTest, AnInputKeepsItsBytesAndTheirHash) {
    const u32 entry = add("hello", {1});
    EXPECT_EQ(fake::string(corpus.data(entry)), "hello");
    EXPECT_EQ(corpus.entry(entry).hash, xxh64(fake::bytes("hello")));
}

TEST_F(CorpusTest, AnEmptyInputIsAnInput) {
    const u32 entry = add("", {1});
    EXPECT_EQ(corpus.data(entry).size(), 0u);
    EXPECT_EQ(corpus.entry(entry).owned, 1u);
}

TEST_F(CorpusTest, AFeatureBelongsToTheSmallestInputThatShowsIt) {
    const u32 large = add("larger", {1, 2}), small = add("tiny", {2, 3});
    EXPECT_EQ(corpus.entry(large).owned, 1u);
    EXPECT_EQ(corpus.entry(small).owned, 2u);
    const u32 same = add("also", {3, 4});
    EXPECT_EQ(corpus.entry(same).owned, 1u) << "the first of two of equal size keeps it";
}

TEST_F(CorpusTest, ASmallerInputReplacesItsParent) {
    const u32 entry = add("abcdef", {1, 2});
    const std::vector<Feature> both{1, 2, 5}, one{1};
    EXPECT_TRUE(corpus.covers({both.data(), both.size()}, entry));
    EXPECT_FALSE(corpus.covers({one.data(), one.size()}, entry));
    corpus.replace(entry, fake::bytes("ace"), {both.data(), 2});
    EXPECT_EQ(fake::string(corpus.data(entry)), "ace");
    EXPECT_EQ(corpus.entry(entry).hash, xxh64(fake::bytes("ace")));
    EXPECT_EQ(corpus.entry(entry).owned, 2u);
    EXPECT_EQ(corpus.live_count(), 1u);
}

TEST_F(CorpusTest, AWitnessIsAlwaysAFeatureThatTheInputStillOwns) {
    const u32 large = add("large input", {1, 2, 3});
    Feature witness = 99;
    ASSERT_TRUE(corpus.witness(large, witness));
    EXPECT_TRUE(witness >= 1 && witness <= 3);
    add("small", {2, 3});
    ASSERT_TRUE(corpus.witness(large, witness));
    EXPECT_EQ(witness, 1u);
    add("tiny", {1});
    EXPECT_FALSE(corpus.witness(large, witness));
}

TEST_F(CorpusTest, NothingCoversAnInputThatOwnsNothing) {
    const u32 large = add("large input", {1});
    add("small", {1});
    const std::vector<Feature> one{1};
    EXPECT_FALSE(corpus.covers({one.data(), 1}, large));
}

TEST_F(CorpusTest, AFullCorpusEvictsInputsThatOwnNothing) {
    const u32 useless = add("useless", {50});
    for (u32 i = 0; i < 6; ++i) ASSERT_NE(add("keep", {i}), no_entry);
    add("x", {50}); // takes the only feature of `useless`
    EXPECT_EQ(corpus.evicted(), 0u);
    add("new", {60});
    EXPECT_EQ(corpus.evicted(), 1u);
    EXPECT_EQ(fake::string(corpus.data(useless)), "new") << "the new one has its number";
    EXPECT_EQ(corpus.live_count(), 8u);
}

TEST_F(CorpusTest, AFullCorpusRefusesAnInputThatIsWorthLess) {
    for (u32 i = 0; i < 8; ++i) ASSERT_NE(add("keep", {2 * i, 2 * i + 1}), no_entry);
    EXPECT_EQ(add("new", {40}), no_entry);
    EXPECT_EQ(corpus.refused(), 1u);
    EXPECT_NE(add("new", {40, 41}), no_entry);
    EXPECT_EQ(corpus.evicted(), 1u);
}

TEST_F(CorpusTest, AnInputLargerThanAllRoomIsRefused) {
    EXPECT_EQ(add(std::string(600, 'x'), {1, 2, 3}), no_entry);
    EXPECT_EQ(corpus.live_count(), 0u);
}

TEST_F(CorpusTest, CompactionKeepsTheBytesOfAllThatLive) {
    // Replacements leave holes; 512 bytes of log overflow many times.
    std::map<u32, std::string> expected;
    for (u32 round = 0; round < 200; ++round) {
        const std::string data(20 + (round * 7) % 50, static_cast<char>('a' + round % 26));
        const Feature feature = round % 300;
        const u32 entry = add(data, {feature, feature + 1});
        if (entry == no_entry) continue;
        expected[entry] = data;
        if (round % 3 == 0) {
            const std::string half = data.substr(data.size() / 2);
            const std::vector<Feature> features{feature, feature + 1};
            corpus.replace(entry, fake::bytes(half), {features.data(), 2});
            expected[entry] = half;
        }
        for (u32 i = 0; i < corpus.end(); ++i)
            if (corpus.entry(i).live)
                ASSERT_EQ(fake::string(corpus.data(i)), expected[i]) << "round " << round;
    }
    EXPECT_GT(corpus.evicted(), 50u);
}

} // namespace
