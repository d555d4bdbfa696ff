// tests/unit/boot/formats/memory_map_test.cpp — the E820 memory map: for any input, ascending ranges of
// usable memory.
#include "boot/formats/memory_map.h"

#include <random>
#include <vector>

#include "boot/formats/codes.h"
#include "tests/sim/test.h"

namespace {

using boot::MapEntry;
using boot::MemoryMap;
using Ranges = std::vector<std::pair<u64, u64>>;

constexpr u32 usable = 1, reserved = 2, acpi_tables = 3;

MapEntry entry(u64 base, u64 length, u32 type = usable, u32 attributes = 1) {
    return {base, length, type, attributes};
}

Ranges ranges_of(const MemoryMap &map) {
    Ranges all;
    for (const boot::Range &range : map.ranges()) all.emplace_back(range.start, range.end);
    return all;
}

Ranges built(std::vector<MapEntry> entries) {
    MemoryMap map;
    EXPECT_TRUE(map.build({entries.data(), entries.size()}).ok());
    return ranges_of(map);
}

TEST(MemoryMap, EntriesInAnyOrderComeOutAscending) {
    EXPECT_EQ(built({entry(0x900000, 0x1000), entry(0x100000, 0x1000), entry(0x500000, 0x2000)}),
              (Ranges{{0x100000, 0x101000}, {0x500000, 0x502000}, {0x900000, 0x901000}}));
}

TEST(MemoryMap, EntriesThatTouchOrOverlapBecomeOneRange) {
    EXPECT_EQ(built({entry(0x1000, 0x2000), entry(0x3000, 0x1000), entry(0x2000, 0x5000)}),
              (Ranges{{0x1000, 0x7000}}));
}

TEST(MemoryMap, WhereEntriesDisagreeMemoryIsNotUsableInAnyOrder) {
    EXPECT_EQ(
        built({entry(0x4000, 0x1000, reserved), entry(0x1000, 0x9000), entry(0x6000, 0x1000, acpi_tables)}),
        (Ranges{{0x1000, 0x4000}, {0x5000, 0x6000}, {0x7000, 0xA000}}));
}

TEST(MemoryMap, APageThatIsOnlyPartlyUsableIsNotUsable) {
    EXPECT_EQ(built({entry(0x1001, 0x3000)}), (Ranges{{0x2000, 0x4000}}));
    EXPECT_EQ(built({entry(0x1000, 0x4000), entry(0x2FFF, 2, reserved)}),
              (Ranges{{0x1000, 0x2000}, {0x4000, 0x5000}}));
}

TEST(MemoryMap, AnEntryWithinOnePageGivesNothing) { EXPECT_TRUE(built({entry(0x1200, 0x800)}).empty()); }

TEST(MemoryMap, EntriesOfNoLengthSayNothing) {
    EXPECT_EQ(built({entry(0x1000, 0x3000), entry(0x2000, 0, reserved), entry(0x9000, 0)}),
              (Ranges{{0x1000, 0x4000}}));
}

TEST(MemoryMap, UsableMemoryThatWrapsRoundIsIgnored) { EXPECT_TRUE(built({entry(0x1000, ~0ul)}).empty()); }

TEST(MemoryMap, ReservedMemoryThatWrapsRoundTakesAllBehindItsStart) {
    EXPECT_EQ(built({entry(0x1000, 0x9000), entry(0x5000, ~0ul, reserved)}), (Ranges{{0x1000, 0x5000}}));
}

TEST(MemoryMap, NothingLiesBeyondWhatAProcessorCanAddress) {
    EXPECT_EQ(built({entry(0x1000, 1ul << 60)}), (Ranges{{0x1000, 1ul << 52}}));
    EXPECT_TRUE(built({entry(1ul << 52, 0x1000)}).empty());
}

TEST(MemoryMap, EntriesThatAskToBeIgnoredAre) {
    EXPECT_EQ(
        built({entry(0x1000, 0x3000), entry(0x2000, 0x1000, reserved, 0), entry(0x9000, 0x1000, usable, 0)}),
        (Ranges{{0x1000, 0x4000}}));
}

TEST(MemoryMap, MorePiecesThanItCanHoldAreAnErrorAndNotAnOverrun) {
    std::vector<MapEntry> entries;
    for (u64 i = 0; i < MemoryMap::capacity; ++i) entries.push_back(entry(i * 0x2000, 0x1000));
    EXPECT_EQ(built(entries).size(), MemoryMap::capacity);
    entries.push_back(entry(u64{MemoryMap::capacity} * 0x2000, 0x1000));
    MemoryMap map;
    EXPECT_TRUE(fails_with(map.build({entries.data(), entries.size()}), boot::bad_memory_map));
}

TEST(MemoryMap, ASplitThatDoesNotFitIsAnErrorToo) {
    std::vector<MapEntry> entries;
    for (u64 i = 0; i < MemoryMap::capacity; ++i) entries.push_back(entry(i * 0x4000, 0x3000));
    MemoryMap map;
    ASSERT_TRUE(map.build({entries.data(), entries.size()}).ok());
    EXPECT_TRUE(fails_with(map.remove(0x1000, 0x1000), boot::bad_memory_map));
    EXPECT_TRUE(map.remove(0x4000, 0x1000).ok()) << "at a border nothing is split";
}

TEST(MemoryMap, RemovingWidensToPagesAndIgnoresWhatIsNotThere) {
    MemoryMap map;
    const MapEntry all = entry(0x1000, 0x9000);
    ASSERT_TRUE(map.build({&all, 1}).ok());
    ASSERT_TRUE(map.remove(0x3800, 0x1000).ok());
    ASSERT_TRUE(map.remove(0x100000, 0x1000).ok());
    EXPECT_EQ(ranges_of(map), (Ranges{{0x1000, 0x3000}, {0x5000, 0xA000}}));
    ASSERT_TRUE(map.remove(0, ~0ul).ok());
    EXPECT_TRUE(map.ranges().empty());
    EXPECT_EQ(map.total_pages(), 0u);
}

TEST(MemoryMap, RemovingNothingSplitsNothing) {
    MemoryMap map;
    const MapEntry all = entry(0x1000, 0x9000);
    ASSERT_TRUE(map.build({&all, 1}).ok());
    ASSERT_TRUE(map.remove(0x4000, 0).ok());
    EXPECT_EQ(ranges_of(map), (Ranges{{0x1000, 0xA000}}));
}

TEST(MemoryMap, ContainsAsksForAllOfARangeInOnePiece) {
    MemoryMap map;
    const MapEntry all[] = {entry(0x1000, 0x2000), entry(0x4000, 0x1000)};
    ASSERT_TRUE(map.build(all).ok());
    EXPECT_TRUE(map.contains(0x1000, 0x2000));
    EXPECT_TRUE(map.contains(0x2FFF, 1));
    EXPECT_FALSE(map.contains(0x1000, 0x2001));
    EXPECT_FALSE(map.contains(0xFFF, 2));
    EXPECT_FALSE(map.contains(0x2000, 0x3000));
    EXPECT_FALSE(map.contains(0x2000, ~0ul)) << "a length that wraps";
}

// The oracle decides page by page: usable when one entry says so of all of it, and none says otherwise of any
// of it.
class Oracle {
  public:
    static constexpr u64 pages = 48;
    explicit Oracle(const std::vector<MapEntry> &entries) {
        for (u64 page = 0; page < pages; ++page) free_[page] = is_free(entries, page * page_size);
    }
    void remove(u64 start, u64 bytes) {
        for (u64 page = 0; page < pages; ++page)
            if (bytes != 0 && page * page_size < start + bytes && (page + 1) * page_size > start)
                free_[page] = false;
    }
    bool free(u64 page) const { return free_[page]; }

  private:
    static bool is_free(const std::vector<MapEntry> &entries, u64 start) {
        bool found = false;
        for (const MapEntry &e : entries) {
            if ((e.attributes & 1) == 0) continue;
            const u64 end = e.base + e.length;
            if (e.type == usable)
                found |= e.base <= start && start + page_size <= end;
            else if (e.length != 0 && e.base < start + page_size && end > start)
                return false;
        }
        return found;
    }
    bool free_[pages];
};

void compare(const MemoryMap &map, const Oracle &oracle) {
    u64 total = 0, last_end = 0;
    for (const boot::Range &range : map.ranges()) {
        ASSERT_TRUE(range.start < range.end && (range.start > last_end || last_end == 0))
            << "ascending, apart";
        last_end = range.end;
    }
    for (u64 page = 0; page < Oracle::pages; ++page) {
        ASSERT_EQ(map.contains(page * page_size, page_size), oracle.free(page)) << "page " << page;
        total += oracle.free(page);
    }
    ASSERT_EQ(map.total_pages(), total);
}

TEST(MemoryMap, AgreesWithAPageByPageOracleOnRandomMaps) {
    std::mt19937_64 random(1);
    constexpr u64 space = Oracle::pages * page_size;
    for (u32 round = 0; round < 3000; ++round) {
        std::vector<MapEntry> entries(random() % 14);
        for (MapEntry &e : entries) {
            e.base = random() % space;
            e.length = random() % 4 == 0 ? 0 : random() % min(space - e.base + 1, 16 * page_size);
            if (random() % 2 == 0)
                e.base = align_down(e.base, page_size), e.length = align_down(e.length, page_size);
            e.type = random() % 3 == 0 ? reserved : usable;
            e.attributes = random() % 8 != 0;
        }
        MemoryMap map;
        ASSERT_TRUE(map.build({entries.data(), entries.size()}).ok());
        Oracle oracle(entries);
        compare(map, oracle);
        for (u32 i = 0; i < 3 && !HasFatalFailure(); ++i) {
            const u64 start = random() % space, bytes = 1 + random() % (4 * page_size);
            ASSERT_TRUE(map.remove(start, bytes).ok());
            oracle.remove(start, bytes);
            compare(map, oracle);
        }
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

} // namespace
