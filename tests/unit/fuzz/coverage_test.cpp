// tests/unit/fuzz/coverage_test.cpp — what counts as new, and that the fast scan misses nothing.
#include "fuzz/coverage.h"

#include <numeric>
#include <vector>

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fuzz::Coverage;
using fuzz::Feature;

struct CoverageTest : testing::Test {
    static constexpr u32 edges = 200;
    fake::Memory memory{Coverage::memory(edges)};
    Coverage coverage{memory, edges};
    std::vector<u8> counters = std::vector<u8>(edges, 0);
    std::vector<Feature> room = std::vector<Feature>(edges * 8);
    fuzz::FeatureList fresh{{room.data(), room.size()}};

    Bytes all() const { return {counters.data(), counters.size()}; }
    u32 mark() {
        fresh.count = 0;
        coverage.mark(0, all(), fresh);
        return fresh.count;
    }
};

TEST_F(CoverageTest, NothingIsNewWhereNoEdgeWasTaken) { EXPECT_FALSE(coverage.shows_new(0, all())); }

TEST_F(CoverageTest, AnEdgeIsNewOnceForEachClassOfHitCounts) {
    std::vector<u32> new_at;
    for (u32 count = 1; count < 256; ++count) {
        counters[77] = static_cast<u8>(count);
        if (coverage.shows_new(0, all())) new_at.push_back(count);
        mark();
    }
    EXPECT_EQ(new_at, (std::vector<u32>{1, 2, 3, 4, 8, 16, 32, 128}));
    EXPECT_EQ(coverage.edges_seen(), 1u);
    EXPECT_EQ(coverage.features_seen(), 8u);
}

TEST_F(CoverageTest, TheScanSeesEveryCounterHoweverThePiecesAreCut) {
    for (u32 cut = 0; cut <= edges; cut += 7)
        for (u32 edge = 0; edge < edges; ++edge) {
            fake::Memory other(Coverage::memory(edges));
            Coverage fresh_map(other, edges);
            counters.assign(edges, 0);
            counters[edge] = 1;
            const bool found =
                fresh_map.shows_new(0, all().first(cut)) || fresh_map.shows_new(cut, all().from(cut));
            ASSERT_TRUE(found) << "edge " << edge << " cut " << cut;
        }
}

TEST_F(CoverageTest, ASkippedWordIsScannedAgainWhenItChanges) {
    counters[40] = 1;
    mark();
    EXPECT_FALSE(coverage.shows_new(0, all()));
    EXPECT_FALSE(coverage.shows_new(0, all()));
    counters[41] = 1;
    EXPECT_TRUE(coverage.shows_new(0, all()));
}

TEST_F(CoverageTest, MarkingListsOnlyWhatIsFreshAndListingAll) {
    counters[3] = 1;
    EXPECT_EQ(mark(), 1u);
    counters[9] = 4;
    EXPECT_EQ(mark(), 1u);
    EXPECT_EQ(room[0], 9u * 8 + 3);
    fresh.count = 0;
    Coverage::list(0, all(), fresh);
    EXPECT_EQ(fresh.count, 2u);
    EXPECT_EQ(room[0], 3u * 8 + 0);
}

TEST_F(CoverageTest, OneFeatureCanBeAskedFor) {
    counters[100] = 5;
    EXPECT_TRUE(Coverage::shows(0, all(), 100 * 8 + 3));
    EXPECT_FALSE(Coverage::shows(0, all(), 100 * 8 + 2));
    EXPECT_FALSE(Coverage::shows(0, all(), 101 * 8 + 3));
    EXPECT_TRUE(Coverage::shows(100, all().from(100), 100 * 8 + 3));
    EXPECT_FALSE(Coverage::shows(101, all().from(101), 100 * 8 + 3)) << "in another piece";
}

TEST_F(CoverageTest, AListWithoutRoomIsCutOffNotOverrun) {
    std::iota(counters.begin(), counters.end(), u8{1});
    Feature two[2] = {};
    fuzz::FeatureList small{two};
    coverage.mark(0, all(), small);
    EXPECT_EQ(small.count, 2u);
    EXPECT_EQ(coverage.edges_seen(), edges);
}

} // namespace
