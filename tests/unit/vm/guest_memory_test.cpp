// tests/unit/vm/guest_memory_test.cpp — pages: shared until written, then private; never beyond the end.
#include "tests/unit/vm/world.h"

namespace {

using namespace sim;
using vm::Access;
using vm::Fault;

constexpr u64 size = 8_MiB;

class GuestMemoryTest : public testing::Test {
  protected:
    SimMemory memory{4096};
    Heap heap;
    vm::Snapshot snapshot;

    ~GuestMemoryTest() override { EXPECT_TRUE(snapshot.release(memory, memory).ok()); }
};

TEST_F(GuestMemoryTest, UntouchedMemoryReadsAsZeroAndTakesNoFrames) {
    Guest guest(memory, heap, size);
    const u64 before = memory.used();
    for (u64 page = 0; page < size / page_size; page += 100) EXPECT_EQ(guest.host_read(page_at(page)), 0);
    EXPECT_EQ(memory.used(), before);
}

TEST_F(GuestMemoryTest, AGuestsReadSharesTheZeroPageAndItsWriteTakesAFrame) {
    Guest guest(memory, heap, size);
    guest.read(page_at(0));
    const u64 before = memory.used(mm::Owner::snapshot);
    EXPECT_EQ(guest.read(page_at(1)), 0);
    EXPECT_EQ(memory.used(mm::Owner::snapshot), before);
    guest.write(page_at(1), 0x5A);
    EXPECT_EQ(memory.used(mm::Owner::snapshot), before + 1);
    EXPECT_EQ(guest.read(page_at(1)), 0x5A);
    EXPECT_EQ(guest.read(page_at(0)), 0); // the zero page is still zero
}

TEST_F(GuestMemoryTest, AnAccessBeyondTheMemoryIsReported) {
    Guest guest(memory, heap, size);
    EXPECT_EQ(guest.pages.fault(GuestPhys(size - 1), Access::read).take(), Fault::resolved);
    EXPECT_EQ(guest.pages.fault(GuestPhys(size), Access::read).take(), Fault::beyond_memory);
    EXPECT_EQ(guest.pages.fault(GuestPhys(~0ul), Access::write).take(), Fault::beyond_memory);
}

TEST_F(GuestMemoryTest, TheHostsReadsAndWritesCrossPagesAndStopAtTheEnd) {
    Guest guest(memory, heap, size);
    u8 out[8192 + 6], back[sizeof out] = {};
    for (u64 i = 0; i < sizeof out; ++i) out[i] = static_cast<u8>(i * 7);
    const GuestPhys at(3 * page_size - 3);
    ASSERT_TRUE(guest.pages.write(at, out).ok());
    ASSERT_TRUE(guest.pages.read(at, back).ok());
    EXPECT_EQ(std::memcmp(out, back, sizeof out), 0);
    EXPECT_TRUE(fails_with(guest.pages.write(GuestPhys(size - 1), {out, 2}), vm::outside_memory));
    EXPECT_TRUE(fails_with(guest.pages.read(GuestPhys(~0ul), {back, 2}), vm::outside_memory));
    EXPECT_TRUE(guest.pages.write(GuestPhys(size), Bytes()).ok());
}

TEST_F(GuestMemoryTest, TheFirstWriteAfterASnapshotCopiesAndLaterOnesDoNot) {
    Guest guest(memory, heap, size);
    guest.host_write(page_at(7) + 5, 0x11);
    guest.take(snapshot);
    const u64 before = memory.used(mm::Owner::guest_private);
    EXPECT_EQ(guest.read(page_at(7) + 5), 0x11);
    EXPECT_EQ(memory.used(mm::Owner::guest_private), before);
    guest.write(page_at(7) + 6, 0x22);
    guest.write(page_at(7) + 7, 0x33);
    EXPECT_EQ(memory.used(mm::Owner::guest_private), before + 1);
    EXPECT_EQ(guest.read(page_at(7) + 5), 0x11); // the copy has the rest of the page
    EXPECT_EQ(guest.pages.statistics().new_pages,
              1u); // reading goes on where the snapshot's frame was mapped before
}

TEST_F(GuestMemoryTest, TwoMachinesShareFramesAndNeverSeeEachOthersWrites) {
    Guest first(memory, heap, size);
    for (u64 page = 0; page < 100; ++page) first.host_write(page_at(page), static_cast<u8>(page + 1));
    first.take(snapshot);
    Guest second(memory, heap, size);
    const u64 before = memory.used(mm::Owner::guest_private) + memory.used(mm::Owner::snapshot);
    ASSERT_TRUE(second.pages.attach(snapshot).ok());
    for (u64 page = 0; page < 100; ++page) EXPECT_EQ(second.read(page_at(page)), page + 1);
    EXPECT_EQ(memory.used(mm::Owner::guest_private) + memory.used(mm::Owner::snapshot), before);
    first.write(page_at(3), 0xAA);
    second.write(page_at(3), 0xBB);
    EXPECT_EQ(first.read(page_at(3)), 0xAA);
    EXPECT_EQ(second.read(page_at(3)), 0xBB);
    first.reset();
    EXPECT_EQ(first.read(page_at(3)), 4);
    EXPECT_EQ(second.read(page_at(3)), 0xBB);
}

TEST_F(GuestMemoryTest, AMachineWithPagesOrOfAnotherSizeCannotAttach) {
    Guest first(memory, heap, size);
    EXPECT_TRUE(fails_with(first.pages.attach(snapshot), vm::snapshot_state));
    first.take(snapshot);
    EXPECT_TRUE(fails_with(first.pages.attach(snapshot), vm::snapshot_state));
    Guest used(memory, heap, size);
    used.host_write(page_at(0), 1);
    EXPECT_TRUE(fails_with(used.pages.attach(snapshot), vm::snapshot_state));
    Guest smaller(memory, heap, size / 2);
    EXPECT_TRUE(fails_with(smaller.pages.attach(snapshot), vm::snapshot_state));
    EXPECT_TRUE(fails_with(smaller.pages.reset(), vm::snapshot_state));
}

TEST_F(GuestMemoryTest, ImpossibleSizesAreRefused) {
    for (const u64 wrong : {0ul, 1ul, page_size + 1, vm::max_memory + page_size, ~0ul})
        EXPECT_TRUE(fails_with(GuestMemory::make(memory, memory, heap.allocator(), wrong), vm::bad_options));
    EXPECT_EQ(memory.used(), 0u);
}

TEST_F(GuestMemoryTest, AFaultThatNothingExplainsEndsInAnErrorNotALoop) {
    Guest guest(memory, heap, size);
    guest.write(page_at(1), 1);
    u32 tolerated = 0;
    for (; tolerated < 1000; ++tolerated) {
        auto again = guest.pages.fault(page_at(1), Access::write);
        if (again.ok()) continue;
        EXPECT_TRUE(fails_with(std::move(again), vm::fault_stays));
        break;
    }
    EXPECT_GT(tolerated, 0u); // a processor may fault once on an old translation
    EXPECT_LT(tolerated, 100u);
}

TEST_F(GuestMemoryTest, PageTablesAreSharedByAllMachinesAlthoughTheirWalksWriteThem) {
    Guest first(memory, heap, size);
    first.host_write(page_at(20) + 8, 0x67);
    ASSERT_TRUE(first.pages.protect_tables(page_at(20), 3).ok());
    first.take(snapshot);
    Guest second(memory, heap, size);
    ASSERT_TRUE(second.pages.attach(snapshot).ok());
    second.read(page_at(21)); // an entry that was read first lets the walk write later
    const u64 before = memory.used(mm::Owner::guest_private);
    for (Guest *guest : {&first, &second}) {
        for (u64 page = 20; page < 23; ++page) guest->walk(page_at(page));
        guest->reset();
        EXPECT_EQ(guest->pages.statistics().dirty_pages, 0u);
        EXPECT_EQ(guest->read(page_at(20) + 8), 0x67);
        EXPECT_TRUE(fails_with(guest->pages.protect_tables(page_at(30), 1), vm::snapshot_state));
    }
    EXPECT_EQ(memory.used(mm::Owner::guest_private), before);
    EXPECT_EQ(first.digest(), snapshot.digest());
}

TEST_F(GuestMemoryTest, APageTableThatTheHostWritesIsPrivateAndRestored) {
    Guest first(memory, heap, size);
    first.host_write(page_at(20) + 8, 0x67);
    ASSERT_TRUE(first.pages.protect_tables(page_at(20), 3).ok());
    first.take(snapshot);
    Guest second(memory, heap, size);
    ASSERT_TRUE(second.pages.attach(snapshot).ok());
    for (Guest *guest : {&first, &second})
        for (u64 page = 20; page < 23; ++page) guest->walk(page_at(page));
    for (const u8 value : {u8{0x99}, u8{0x9a}, u8{0x9b}}) {
        const u64 epoch = first.pages.epoch();
        first.host_write(page_at(20) + 8, value);
        first.walk(page_at(20));
        EXPECT_EQ(first.read(page_at(20) + 8), value);
        EXPECT_EQ(second.read(page_at(20) + 8), 0x67) << "the other machine has the snapshot's";
        first.reset();
        EXPECT_GT(first.pages.epoch(), epoch) << "translations through the changed table are flushed";
        EXPECT_EQ(first.read(page_at(20) + 8), 0x67);
        EXPECT_EQ(first.digest(), snapshot.digest());
    }
}

TEST_F(GuestMemoryTest, PageTablesLieInsideTheMemory) {
    Guest guest(memory, heap, size);
    EXPECT_TRUE(fails_with(guest.pages.protect_tables(GuestPhys(8), 1), vm::outside_memory));
    EXPECT_TRUE(fails_with(guest.pages.protect_tables(GuestPhys(size - page_size), 2), vm::outside_memory));
    EXPECT_TRUE(fails_with(guest.pages.protect_tables(GuestPhys(0), ~0ul), vm::outside_memory));
}

TEST_F(GuestMemoryTest, AnythingThatChangesAPresentEntryAsksForAFlush) {
    Guest guest(memory, heap, size);
    guest.read(page_at(5));
    const u64 shared = guest.pages.epoch();
    guest.host_write(page_at(5), 1); // the guest read the zero page until now
    EXPECT_NE(guest.pages.epoch(), shared);
    const u64 own = guest.pages.epoch();
    guest.host_write(page_at(5), 2);
    guest.write(page_at(5), 3);
    EXPECT_EQ(guest.pages.epoch(), own); // an own page changes no entry
    guest.take(snapshot);
    EXPECT_NE(guest.pages.epoch(), own); // read-only now
}

TEST_F(GuestMemoryTest, AnEvictedPageIsNotReachedThroughAnOldTranslation) {
    Guest guest(memory, heap, size);
    guest.host_write(page_at(3), 0x11);
    guest.take(snapshot);
    guest.write(page_at(3), 0x22);
    guest.reset();
    EXPECT_EQ(guest.read(page_at(3)), 0x11); // translated, to a private page that is clean
    const u64 faults = guest.pages.statistics().new_pages;
    ASSERT_EQ(guest.evict(1), 1u);
    EXPECT_EQ(guest.read(page_at(3)), 0x11);
    EXPECT_EQ(guest.pages.statistics().new_pages, faults + 1);
}

} // namespace
