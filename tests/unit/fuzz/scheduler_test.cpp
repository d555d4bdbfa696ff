// tests/unit/fuzz/scheduler_test.cpp — how often each input is selected, and the length of a visit.
#include "fuzz/scheduler.h"

#include <map>

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fuzz::Corpus;
using fuzz::Feature;

struct SchedulerTest : testing::Test {
    static constexpr fuzz::CorpusSize size{.entries = 8, .bytes = 512, .edges = 100};
    fake::Memory memory{Corpus::memory(size)};
    Corpus corpus{memory, size};

    u32 add(const std::string &data, std::vector<Feature> features) {
        return corpus.add(fake::bytes(data), {features.data(), features.size()}, {});
    }
    void count_hits(std::vector<Feature> features, u32 times) {
        for (u32 i = 0; i < times; ++i) corpus.count_hits({features.data(), features.size()});
    }
    std::map<u32, u32> selections(u32 times) {
        Random random(1);
        std::map<u32, u32> count;
        for (u32 i = 0; i < times; ++i) ++count[fuzz::Scheduler::select(corpus, random)];
        return count;
    }
};

TEST_F(SchedulerTest, AnInputIsSelectedMoreWhenItsFeaturesAreRarelyHit) {
    const u32 common = add("a", {1}), rare = add("b", {2});
    count_hits({1}, 1000);
    auto count = selections(1000);
    EXPECT_GT(count[rare], 5 * count[common]);
    EXPECT_GT(count[common], 0u) << "nothing is forgotten for good";
}

TEST_F(SchedulerTest, AnInputThatOwnsNothingIsRarelySelected) {
    const u32 old = add("larger", {1, 2}), newer = add("tiny", {1, 2});
    auto count = selections(1000);
    EXPECT_LT(count[old], 100u);
    EXPECT_GT(count[newer], 900u);
}

TEST_F(SchedulerTest, TheFirstVisitIsLongerThanTheOthers) {
    add("a", {1});
    fuzz::Scheduler scheduler;
    Random random(1);
    for (u32 i = 0; i < 32; ++i) {
        const auto choice = scheduler.next(corpus, random);
        ASSERT_EQ(choice.starts, i == 0) << i;
        ASSERT_TRUE(choice.first_visit) << i;
    }
    for (u32 i = 0; i < 16; ++i) {
        const auto choice = scheduler.next(corpus, random);
        ASSERT_EQ(choice.starts, i % 8 == 0) << i;
        ASSERT_FALSE(choice.first_visit) << i;
    }
}

TEST_F(SchedulerTest, AnEmptyCorpusGivesNoEntry) {
    fuzz::Scheduler scheduler;
    Random random(1);
    const auto choice = scheduler.next(corpus, random);
    EXPECT_EQ(choice.entry, fuzz::no_entry);
    EXPECT_FALSE(choice.starts);
}

} // namespace
