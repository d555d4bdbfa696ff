// tests/unit/fuzz/mutators/cmplog_test.cpp — one side of a comparison is found in the input and the other
// written there.
#include "fuzz/mutators/cmplog.h"

#include <set>

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

struct ComparisonLogTest : testing::Test {
    fake::Memory memory{fuzz::ComparisonLog::memory(16) + fuzz::Dictionary::memory(0, 16)};
    fuzz::ComparisonLog comparison_log{memory, 16};
    fuzz::Dictionary dictionary{memory, {}, 16};
    Random random{1};

    void gather(std::vector<vm::Comparison> list) {
        comparison_log.gather({list.data(), list.size()}, dictionary);
    }
    // Every input that one replacement in `input` can give.
    std::set<std::string> results(const std::string &input) {
        std::set<std::string> all;
        u8 room[64];
        for (u32 i = 0; i < 500; ++i) {
            fuzz::Buffer buffer{MutableBytes(room)};
            buffer.assign(fake::bytes(input));
            if (comparison_log.replace_input_to_state(buffer, random))
                all.insert(fake::string(buffer.bytes()));
        }
        return all;
    }
    using Inputs = std::set<std::string>;
};

constexpr u32 constant = fuzz::comparison_constant;

TEST_F(ComparisonLogTest, AConstantReplacesWhatItWasComparedWithAndSoDoItsNeighbours) {
    gather({{0x44434241, 0x31313131, 4, constant}});
    EXPECT_EQ(results("__ABCD__"), (Inputs{"__1111__", "__2111__", "__0111__"}));
}

TEST_F(ComparisonLogTest, BothByteOrdersAreSearched) {
    gather({{0x41424344, 0x49484452, 4, constant}});
    EXPECT_TRUE(results("xABCD").contains("xIHDR"));
    EXPECT_TRUE(results("xDCBA").contains("xRDHI"));
}

TEST_F(ComparisonLogTest, AnOperandIsFoundNarrowerThanItWasCompared) {
    gather({{0x42, 0x7a, 4, constant}, {0xffffffffffffff9c, 0x10, 8, constant}});
    const Inputs all = results(std::string("aB\x9c"));
    EXPECT_TRUE(all.contains(std::string("az\x9c")));
    EXPECT_TRUE(all.contains(std::string("aB\x10")));
}

TEST_F(ComparisonLogTest, AConstantIsNeverSearchedInTheInput) {
    gather({{0x99999999, 0x44434241, 4, constant}});
    EXPECT_TRUE(results("ABCD").empty());
}

TEST_F(ComparisonLogTest, TwoVariablesReplaceEachOther) {
    gather({{0x44434241, 0x48474645, 4, 0}});
    const Inputs all = results("ABCDEFGH");
    EXPECT_TRUE(all.contains("EFGHEFGH"));
    EXPECT_TRUE(all.contains("ABCDABCD"));
}

TEST_F(ComparisonLogTest, EqualOperandsAndOddSizesAreLeftOut) {
    gather({{5, 5, 4, constant},
            {1, 2, 3, constant},
            {1, 2, 0, constant},
            {1, 2, 4, constant},
            {1, 2, 4, constant}});
    EXPECT_EQ(comparison_log.count(), 1u);
}

TEST_F(ComparisonLogTest, MorePairsThanThereIsRoomForAreLeftOut) {
    std::vector<vm::Comparison> many;
    for (u64 i = 0; i < 100; ++i) many.push_back({i + 1000, i, 8, constant});
    gather(many);
    EXPECT_EQ(comparison_log.count(), 16u);
    comparison_log.clear();
    EXPECT_TRUE(comparison_log.empty());
    gather({many[99]});
    EXPECT_EQ(comparison_log.count(), 1u);
}

TEST_F(ComparisonLogTest, ConstantsBecomeTokensInBothOrdersUnlessTheyAreSmall) {
    gather({{0, 0x49484452, 4, constant}, {0, 7, 4, constant}, {0, 0x31313232, 4, 0}});
    EXPECT_EQ(dictionary.learned(), 2u);
    EXPECT_EQ(fake::string(dictionary.token(0)), "IHDR");
    EXPECT_EQ(fake::string(dictionary.token(1)), "RDHI");
}

TEST_F(ComparisonLogTest, AnInputShorterThanTheOperandStaysAsItIs) {
    gather({{0x44434241, 0x31313131, 4, constant}});
    EXPECT_TRUE(results("").empty());
    EXPECT_TRUE(results("ABC").empty());
}

} // namespace
