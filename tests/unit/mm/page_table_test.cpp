// tests/unit/mm/page_table_test.cpp — the walker, for both formats.
#include "mm/page_table.h"

#include <vector>

#include "mm/boot_frames.h"
#include "mm/identity.h"
#include "tests/sim/memory.h"
#include "tests/sim/test.h"

namespace {

using mm::Entry;
using mm::Location;
using mm::Owner;
using Host = mm::PageTable<mm::HostFormat, SimMemory>;
using Nested = mm::PageTable<mm::NestedFormat, SimMemory>;

const Virt somewhere(0xffff'9000'1234'5000);

struct PageTableTest : testing::Test {
    SimMemory memory{256};
    Host table = Host::make(memory, memory).take();
    Phys frame = memory.allocate(Owner::heap).take();
};

TEST_F(PageTableTest, AMappedPageTranslatesToItsFrameAndOffset) {
    table.map(somewhere, frame, mm::read_write, memory).take();
    EXPECT_EQ(table.translate(somewhere + 0x123).take(), frame + 0x123);
}

TEST_F(PageTableTest, AHoleNamesTheLevelAtWhichTheWalkEnded) {
    auto missing = table.translate(somewhere);
    ASSERT_FALSE(missing.ok());
    EXPECT_TRUE(missing.error().is(mm::not_mapped));
    EXPECT_EQ(missing.error().frame()->inner->words[1], 3u);
    rstate::handled(std::move(missing));
    table.map(somewhere, frame, mm::read_only, memory).take();
    auto beside = table.translate(somewhere + page_size);
    ASSERT_FALSE(beside.ok());
    EXPECT_EQ(beside.error().frame()->inner->words[1], 0u);
    rstate::handled(std::move(beside));
}

TEST_F(PageTableTest, ANonCanonicalAddressIsRefused) {
    EXPECT_TRUE(fails_with(table.translate(Virt(0x8000'0000'0000)), mm::bad_address));
    auto nested = Nested::make(memory, memory).take();
    EXPECT_TRUE(fails_with(nested.locate(GuestPhys(1ul << 48)), mm::bad_address));
}

TEST_F(PageTableTest, MappingTwiceIsRefusedAndTheFirstStays) {
    table.map(somewhere, frame, mm::read_only, memory).take();
    EXPECT_TRUE(fails_with(table.map(somewhere, memory.first(), mm::read_write, memory), mm::already_mapped));
    EXPECT_EQ(table.translate(somewhere).take(), frame);
}

TEST_F(PageTableTest, PermissionsAndCacheTypeReachTheEntry) {
    table.map(somewhere, frame, mm::read_execute, memory).take();
    Location at = table.find(somewhere).take();
    EXPECT_FALSE(at.entry.writable());
    EXPECT_TRUE(at.entry.executable());
    table.protect(somewhere, mm::read_write).take();
    at = table.find(somewhere).take();
    EXPECT_TRUE(at.entry.writable());
    EXPECT_FALSE(at.entry.executable());
    table.map(somewhere + page_size, frame, mm::read_write, memory, mm::Cache::uncached).take();
    EXPECT_EQ(Entry::CacheType::get(table.find(somewhere + page_size).take().entry.raw), 3u);
}

TEST_F(PageTableTest, HostEntriesAreAccessedAndDirtyFromTheStartSoTheProcessorNeverWritesThem) {
    table.map(somewhere, frame, mm::read_only, memory).take();
    const Entry leaf = table.find(somewhere).take().entry;
    EXPECT_TRUE(Entry::Accessed::test(leaf.raw) && leaf.dirty());
    EXPECT_FALSE(Entry::User::test(leaf.raw) || Entry::Global::test(leaf.raw));
}

TEST_F(PageTableTest, NestedEntriesAreForUsersAndLeaveAccessedAndDirtyToTheProcessor) {
    auto nested = Nested::make(memory, memory).take();
    nested.map(GuestPhys(0x7000), frame, mm::read_write_execute, memory).take();
    const Location at = nested.find(GuestPhys(0x7000)).take();
    EXPECT_TRUE(Entry::User::test(at.entry.raw) && at.entry.writable() && at.entry.executable());
    EXPECT_FALSE(Entry::Accessed::test(at.entry.raw) || at.entry.dirty());
    nested.destroy(memory).take();
    EXPECT_EQ(memory.used(Owner::nested_table), 0u);
}

TEST_F(PageTableTest, AWritableAndExecutableHostPageIsABug) {
    EXPECT_DEATH(rstate::ignore(table.map(somewhere, frame, mm::read_write_execute, memory), "dies"),
                 "both writable and executable");
    table.map(somewhere, frame, mm::read_write, memory).take();
    EXPECT_DEATH(rstate::ignore(table.protect(somewhere, mm::read_write_execute), "dies"),
                 "both writable and executable");
}

TEST_F(PageTableTest, UnmapReturnsWhatWasThereAndLeavesItsTables) {
    table.map(somewhere, frame, mm::read_only, memory).take();
    EXPECT_EQ(table.unmap(somewhere).take().frame(), frame);
    EXPECT_EQ(memory.used(Owner::page_table), 4u);
    EXPECT_TRUE(fails_with(table.unmap(somewhere), mm::not_mapped));
}

TEST_F(PageTableTest, DetachingTakesTheEmptyTablesOfOnePathAndNoOthers) {
    const Virt neighbour = somewhere + 1_GiB; // shares the root and one more table at most
    table.map(somewhere, frame, mm::read_only, memory).take();
    table.map(neighbour, frame, mm::read_only, memory).take();
    table.unmap(somewhere).take();
    u32 taken = 0;
    table.detach_empty_tables(somewhere, [&](Phys t) { memory.free(t, Owner::page_table), ++taken; }).take();
    EXPECT_EQ(taken, 2u);
    EXPECT_EQ(table.translate(neighbour).take(), frame);
    table.unmap(neighbour).take();
    table.detach_empty_tables(neighbour, [&](Phys t) { memory.free(t, Owner::page_table), ++taken; }).take();
    EXPECT_EQ(taken, 5u);
    EXPECT_EQ(memory.used(Owner::page_table), 1u) << "only the root is left";
}

TEST_F(PageTableTest, DetachingLeavesATableThatHoldsOnlyAnAbsentEntry) {
    Location at = table.prepare(somewhere, memory).take();
    table.write(at, {Entry::Kind::make(1) | Entry::Payload::make(77)}).take();
    table.detach_empty_tables(somewhere, [&](Phys) { ADD_FAILURE() << "a reserved entry keeps its table"; })
        .take();
    EXPECT_EQ(Entry::Payload::get(table.read(at).take().raw), 77u);
}

TEST_F(PageTableTest, AKeptLocationReadsAndWritesItsEntry) {
    table.map(somewhere, frame, mm::read_only, memory).take();
    Location kept = table.find(somewhere).take();
    table.protect(somewhere, mm::read_write).take();
    EXPECT_TRUE(table.read(kept).take().writable());
}

TEST_F(PageTableTest, VisitShowsEveryLeafAndMarkInOrder) {
    const Virt low(0x7000'0000'0000 - page_size);
    table.map(somewhere, frame, mm::read_only, memory).take();
    table.map(low, frame, mm::read_only, memory).take();
    Location mark = table.prepare(somewhere + page_size, memory).take();
    table.write(mark, {Entry::Kind::make(2)}).take();
    std::vector<Virt> seen;
    table.visit([&](Virt a, const Location &) { return seen.push_back(a), rstate::done(); }).take();
    EXPECT_EQ(seen, (std::vector{low, somewhere, somewhere + page_size}));
}

TEST_F(PageTableTest, DestroyFreesEveryTable) {
    for (u64 i = 0; i < 20; ++i) table.map(somewhere + i * 1_GiB * 3, frame, mm::read_only, memory).take();
    table.destroy(memory).take();
    EXPECT_EQ(memory.used(), 1u) << "only the mapped frame";
}

TEST_F(PageTableTest, WhereverMapFailsTheTablesAreAsBeforeAndTheErrorSaysWhy) {
    const u64 used = memory.used();
    u64 n = 0;
    for (;; ++n) {
        memory.fail_after(n);
        auto mapped = table.map(somewhere, frame, mm::read_only, memory);
        if (mapped.ok()) break;
        EXPECT_GE(mapped.error().frame()->site->line, 1u);
        rstate::handled(std::move(mapped));
        memory.never_fail();
        EXPECT_EQ(memory.pins(), 0u);
        u32 entries = 0;
        table.visit([&](Virt, const Location &) { return ++entries, rstate::done(); }).take();
        EXPECT_EQ(entries, 0u) << "after failing at step " << n;
        // Only the last step, after the tables were linked, may leave empty tables behind.
        table.detach_empty_tables(somewhere, [&](Phys t) { memory.free(t, Owner::page_table); }).take();
        EXPECT_EQ(memory.used(), used) << "after failing at step " << n;
    }
    EXPECT_GE(n, 8u) << "three allocations and the pins between them";
}

TEST_F(PageTableTest, MakeThatFailsLeavesNoFrame) {
    const u64 used = memory.used();
    for (u64 n = 0; n < 2; ++n) {
        memory.fail_after(n);
        auto made = Host::make(memory, memory);
        EXPECT_FALSE(made.ok());
        rstate::handled(std::move(made));
        EXPECT_EQ(memory.used(), used);
    }
}

TEST_F(PageTableTest, AWalkHoldsAtMostThreePinsAtOnce) {
    memory.limit_pins(3);
    table.map(somewhere, frame, mm::read_only, memory).take();
    table.protect(somewhere, mm::read_write).take();
    table.unmap(somewhere).take();
    table.detach_empty_tables(somewhere, [&](Phys t) { memory.free(t, Owner::page_table); }).take();
}

TEST(BootFrames, AreTakenFromTheEndAndSkipTheBookkeepingFrames) {
    mm::PhysRange range{Phys(0x1000000), mm::group_bytes + 2 * page_size, 0, 0, 0};
    mm::BootFrames frames(range);
    EXPECT_EQ(frames.allocate(Owner::page_table).take(), Phys(0x1000000) + mm::group_bytes + page_size);
    EXPECT_EQ(frames.allocate(Owner::page_table).take(), Phys(0x1000000) + mm::group_bytes - page_size);
    EXPECT_EQ(range.boot_bytes, 3 * page_size);
}

TEST(BootFrames, EndInAChainAndLeaveTheFirstFrameAlone) {
    mm::PhysRange range{Phys(0x1000000), 3 * page_size, 0, 0, 0};
    mm::BootFrames frames(range);
    frames.allocate(Owner::stack).take();
    frames.allocate(Owner::stack).take();
    EXPECT_TRUE(fails_with(frames.allocate(Owner::stack), mm::out_of_frames));
}

TEST(Placement, RefusesTheEndsOfBothHalvesAndAcceptsTheRest) {
    EXPECT_FALSE(mm::placeable(Virt(page_size), page_size));
    EXPECT_FALSE(mm::placeable(Virt(0x7fff'ffff'f000), page_size));
    EXPECT_FALSE(mm::placeable(Virt(0xffff'8000'0000'0000), page_size));
    EXPECT_FALSE(mm::placeable(Virt(0xffff'ffff'ffff'f000), page_size));
    EXPECT_FALSE(mm::placeable(Virt(0x8000'0000'0000), page_size));
    EXPECT_TRUE(mm::placeable(Virt(0x7000'0000'0000), 1_GiB));
    EXPECT_TRUE(mm::placeable(Virt(0xffff'9000'0000'0000), 1_GiB));
    EXPECT_FALSE(mm::placeable(Virt(0x7fff'bfff'f000), 2 * page_size)) << "reaches into the last GiB";
}

} // namespace
