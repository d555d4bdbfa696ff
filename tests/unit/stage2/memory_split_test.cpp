// tests/unit/stage2/memory_split_test.cpp — memory divided among the cores: nothing twice, nothing
// lost, equal shares, from the core's own node.
#include "stage2/memory_split.h"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/sim/test.h"

namespace {

using boot::MapEntry;
using stage2::minimum_piece;
using stage2::Share;

struct Division {
    std::vector<Share> shares;
    u64 left_out = 0;
};

boot::Topology cores_on(const std::vector<u32> &nodes) {
    boot::Topology topology;
    for (const u32 node : nodes) {
        topology.cores[topology.core_count] = {topology.core_count, node};
        ++topology.core_count;
    }
    return topology;
}

Division divide(const boot::MemoryMap &map, const boot::Topology &topology) {
    Division division;
    division.shares.resize(topology.core_count);
    division.left_out = stage2::split_memory(map, topology, {division.shares.data(), division.shares.size()});
    return division;
}

boot::MemoryMap map_of(const std::vector<std::pair<u64, u64>> &ranges) {
    std::vector<MapEntry> entries;
    entries.reserve(ranges.size());
    for (const auto &[start, end] : ranges) entries.push_back({start, end - start, 1, 1});
    boot::MemoryMap map;
    EXPECT_TRUE(map.build({entries.data(), entries.size()}).ok());
    return map;
}

TEST(HandoverPage, IsTheUsualOneWhereThatIsFree) {
    const boot::MemoryMap map = map_of({{0x1000, 0xA0000}, {1_MiB, 64_MiB}});
    EXPECT_EQ(stage2::choose_handover_page(map, {}, 640_KiB), 0x8000u);
}

TEST(HandoverPage, IsElseTheHighestFreeOneBelowTheEnd) {
    const boot::MemoryMap map = map_of({{0, 0x8000}, {0x9000, 0x9F000}, {1_MiB, 64_MiB}});
    EXPECT_EQ(stage2::choose_handover_page(map, {}, 640_KiB), 0x9E000u);
    const boot::Range used[] = {{0x70800, 0x9F000}};
    EXPECT_EQ(stage2::choose_handover_page(map, used, 640_KiB), 0x6F000u)
        << "a used range may begin in a page";
    EXPECT_EQ(stage2::choose_handover_page(map, {}, 0x9000), 0x7000u);
}

TEST(HandoverPage, IsNeverPageZeroNorMemoryThatIsNone) {
    EXPECT_EQ(stage2::choose_handover_page(map_of({{0, 0x1000}, {1_MiB, 64_MiB}}), {}, 640_KiB), 0u);
    const boot::Range used[] = {{0, 1_MiB}};
    EXPECT_EQ(stage2::choose_handover_page(map_of({{0, 640_KiB}}), used, 640_KiB), 0u);
}

// Every piece is usable memory of the node it claims, none overlaps another, and what is missing was
// reported.
void check(const boot::MemoryMap &map, const boot::Topology &topology, const Division &division) {
    std::vector<std::pair<u64, u64>> pieces;
    u64 given = 0;
    for (const Share &share : division.shares) {
        u64 bytes = 0;
        ASSERT_LE(share.count, mm::max_seed_ranges);
        for (u32 i = 0; i < share.count; ++i) {
            const mm::PhysRange &range = share.ranges[i];
            ASSERT_TRUE(range.first.page_aligned() && range.bytes % page_size == 0 &&
                        range.bytes >= minimum_piece);
            ASSERT_TRUE(map.contains(range.first.value(), range.bytes));
            ASSERT_EQ(range.node, topology.node_of_memory(range.first.value()));
            ASSERT_EQ(range.boot_bytes, 0u);
            pieces.emplace_back(range.first.value(), range.end().value());
            bytes += range.bytes;
        }
        ASSERT_EQ(share.bytes, bytes);
        given += bytes;
    }
    std::sort(pieces.begin(), pieces.end());
    for (usize i = 1; i < pieces.size(); ++i)
        ASSERT_LE(pieces[i - 1].second, pieces[i].first) << "an overlap";
    ASSERT_EQ(given + division.left_out, map.total_pages() * page_size);
}

TEST(MemorySplit, OneCoreGetsEverything) {
    const boot::MemoryMap map = map_of({{1_MiB, 3_GiB}, {4_GiB, 7_GiB}});
    const boot::Topology topology = cores_on({0});
    const Division division = divide(map, topology);
    check(map, topology, division);
    EXPECT_EQ(division.left_out, 0u);
    EXPECT_EQ(division.shares[0].count, 2u);
}

TEST(MemorySplit, CoresOfOneNodeGetEqualSharesWithinAMinimumPiece) {
    const boot::MemoryMap map = map_of({{1_MiB, 64_MiB}, {80_MiB, 512_MiB}});
    for (const u32 count : {2u, 3u, 8u, 64u}) {
        const boot::Topology topology = cores_on(std::vector<u32>(count, 0));
        const Division division = divide(map, topology);
        check(map, topology, division);
        const u64 fair = map.total_pages() * page_size / count;
        for (const Share &share : division.shares) {
            EXPECT_GE(share.bytes + minimum_piece, fair) << count << " cores";
            EXPECT_LE(share.bytes, fair + count * minimum_piece) << count << " cores";
        }
    }
}

TEST(MemorySplit, TheBootCoreGetsTheLowestMemory) {
    const boot::MemoryMap map = map_of({{1_MiB, 100_MiB}, {4_GiB, 64_GiB}});
    const Division division = divide(map, cores_on({0, 0, 0, 0}));
    EXPECT_EQ(division.shares[0].ranges[0].first, Phys(1_MiB));
}

TEST(MemorySplit, EachCoreGetsMemoryOfItsOwnNode) {
    boot::Topology topology = cores_on({0, 1, 0, 1});
    topology.node_ranges[topology.node_range_count++] = {0, 256_MiB, 0};
    topology.node_ranges[topology.node_range_count++] = {256_MiB, 512_MiB, 1};
    const boot::MemoryMap map = map_of({{1_MiB, 512_MiB}});
    const Division division = divide(map, topology);
    check(map, topology, division);
    for (u32 core = 0; core < 4; ++core)
        for (u32 i = 0; i < division.shares[core].count; ++i)
            EXPECT_EQ(division.shares[core].ranges[i].node, topology.cores[core].node);
    EXPECT_EQ(division.left_out, 0u);
}

TEST(MemorySplit, MemoryOfANodeWithoutCoresIsNotLost) {
    boot::Topology topology = cores_on({0, 0});
    topology.node_ranges[topology.node_range_count++] = {0, 128_MiB, 0};
    topology.node_ranges[topology.node_range_count++] = {128_MiB, 512_MiB, 5};
    const boot::MemoryMap map = map_of({{1_MiB, 512_MiB}});
    const Division division = divide(map, topology);
    check(map, topology, division);
    EXPECT_EQ(division.left_out, 0u);
}

TEST(MemorySplit, ManySmallPiecesCostNoLargeOne) {
    std::vector<std::pair<u64, u64>> ranges;
    for (u64 i = 0; i < 30; ++i) ranges.emplace_back(16_MiB + i * 1_MiB, 16_MiB + i * 1_MiB + 20 * page_size);
    ranges.emplace_back(1_GiB, 2_GiB);
    const boot::MemoryMap map = map_of(ranges);
    for (const u32 count : {1u, 2u, 5u}) {
        const boot::Topology topology = cores_on(std::vector<u32>(count, 0));
        const Division division = divide(map, topology);
        check(map, topology, division);
        EXPECT_LE(division.left_out, 30ul * 20 * page_size) << count << " cores";
    }
}

TEST(MemorySplit, ManyLargePiecesAreAllUsedAndShared) {
    std::vector<std::pair<u64, u64>> ranges;
    for (u64 i = 0; i < 12; ++i) ranges.emplace_back(16_MiB + i * 32_MiB, 16_MiB + i * 32_MiB + 24_MiB);
    const boot::MemoryMap map = map_of(ranges);
    const boot::Topology topology = cores_on({0, 0, 0, 0});
    const Division division = divide(map, topology);
    check(map, topology, division);
    EXPECT_EQ(division.left_out, 0u);
    for (const Share &share : division.shares) EXPECT_EQ(share.bytes, 72_MiB);
}

TEST(MemorySplit, TheSmallestPiecesAreLeftOutWhenACoreCannotHoldAll) {
    std::vector<std::pair<u64, u64>> ranges;
    for (u64 i = 0; i < 10; ++i)
        ranges.emplace_back(16_MiB + i * 32_MiB, 16_MiB + i * 32_MiB + (10 - i) * 1_MiB);
    const boot::MemoryMap map = map_of(ranges);
    const Division division = divide(map, cores_on({0}));
    check(map, cores_on({0}), division);
    EXPECT_EQ(division.left_out, 3_MiB);
}

TEST(MemorySplit, PiecesBelowTheMinimumAreLeftOutAndReported) {
    const boot::MemoryMap map = map_of({{1_MiB, 64_MiB}, {100_MiB, 100_MiB + minimum_piece - page_size}});
    EXPECT_EQ(divide(map, cores_on({0})).left_out, minimum_piece - page_size);
}

TEST(MemorySplit, NoMemoryGivesEmptyShares) {
    const Division division = divide(map_of({}), cores_on({0, 0}));
    EXPECT_EQ(division.shares[0].bytes + division.shares[1].bytes + division.left_out, 0u);
}

TEST(MemorySplit, HoldsForRandomMachines) {
    std::mt19937_64 random(3);
    for (u32 round = 0; round < 400; ++round) {
        std::vector<std::pair<u64, u64>> ranges;
        u64 at = 1_MiB;
        for (u64 n = random() % 40; n > 0; --n) {
            const u64 start = at + (1 + random() % 64) * page_size;
            at = start + (1 + random() % (random() % 4 == 0 ? 50'000 : 40)) * page_size;
            ranges.emplace_back(start, at);
        }
        std::vector<u32> nodes(1 + random() % max_cores);
        const u32 node_count = 1 + static_cast<u32>(random() % 4);
        for (u32 &node : nodes) node = static_cast<u32>(random() % node_count);
        boot::Topology topology = cores_on(nodes);
        for (u32 i = 0; i < random() % 6; ++i) {
            const u64 start = random() % (at / page_size) * page_size + (random() % 8 == 0 ? 100 : 0);
            topology.node_ranges[topology.node_range_count++] = {start, start + random() % at,
                                                                 static_cast<u32>(random() % 5)};
        }
        const boot::MemoryMap map = map_of(ranges);
        check(map, topology, divide(map, topology));
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

} // namespace
