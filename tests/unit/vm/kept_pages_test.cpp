// tests/unit/vm/kept_pages_test.cpp — pages whose dirty bit stays set: no flush in a steady case, and nothing
// that a case shows depends on them. The processor keeps its translations until a flush is requested.
#include <random>

#include "tests/unit/vm/world.h"

namespace {

using namespace sim;

constexpr u64 size = 4_MiB;
constexpr u64 pages = 100;
// Resets after which each of `kept` pages has been looked at often enough.
constexpr u64 until_cool(u64 kept) { return vm::look_every * (kept + 1) * (vm::max_unchanged + 1); }

class KeptPagesTest : public testing::Test {
  protected:
    SimMemory memory{4096, Phys(0x200000), SimMemory::Mode::quick};
    Heap heap;
    vm::Snapshot snapshot;

    ~KeptPagesTest() override { EXPECT_TRUE(snapshot.release(memory, memory).ok()); }

    void take(Guest &guest) {
        for (u64 page = 0; page < pages; ++page) guest.host_write(page_at(page), static_cast<u8>(page + 1));
        guest.take(snapshot);
    }
    static void one_case(Guest &guest, u64 first, u64 past) {
        for (u64 page = first; page < past; ++page) guest.write(page_at(page) + 9, 0xEE);
        guest.reset();
    }
    static void steady(Guest &guest, u64 first, u64 past) {
        for (u32 i = 0; i < vm::keep_after; ++i) one_case(guest, first, past);
    }
};

TEST_F(KeptPagesTest, ASteadyCaseOwesNoFlush) {
    Guest guest(memory, heap, size);
    take(guest);
    steady(guest, 0, 20);
    guest.enter();
    const u64 epoch = guest.pages.epoch(), flushes = guest.cpu.flushes();
    for (u32 i = 0; i < 200; ++i) {
        one_case(guest, 0, 20);
        ASSERT_EQ(guest.digest(), snapshot.digest()) << i;
    }
    EXPECT_EQ(guest.pages.epoch(), epoch);
    EXPECT_EQ(guest.cpu.flushes(), flushes);
}

TEST_F(KeptPagesTest, APageOfOneOddCaseIsNotRestoredForever) {
    Guest guest(memory, heap, size);
    take(guest);
    steady(guest, 0, 5);
    one_case(guest, 50, 60);
    const u64 before = guest.pages.statistics().dirty_pages;
    one_case(guest, 0, 5);
    EXPECT_EQ(guest.pages.statistics().dirty_pages, before + 5);
}

TEST_F(KeptPagesTest, PagesThatAreNoLongerWrittenCoolDownForFewFlushes) {
    Guest guest(memory, heap, size);
    take(guest);
    steady(guest, 0, 12);
    guest.enter();
    const u64 flushes = guest.cpu.flushes();
    for (u64 i = 0; i < until_cool(12); ++i) {
        guest.write_unchecked(page_at(3), 1);
        ASSERT_TRUE(guest.pages.reset().ok());
    }
    expect_invariants(guest.pages);
    guest.enter();
    EXPECT_EQ(guest.cpu.flushes(), flushes + 1) << "all of them share one";
    const u64 before = guest.pages.statistics().dirty_pages;
    one_case(guest, 3, 4);
    EXPECT_EQ(guest.pages.statistics().dirty_pages, before + 1);
    one_case(guest, 0, 12); // the processor sets their bits again
    EXPECT_EQ(guest.digest(), snapshot.digest());
    EXPECT_EQ(guest.pages.statistics().dirty_pages, before + 13);
}

// Cases at random in two machines, one of which flushes at every entry: the same is seen after each case and
// after each reset.
TEST_F(KeptPagesTest, AProcessorWithStaleTranslationsShowsTheSameAsOneThatAlwaysFlushes) {
    Guest lazy(memory, heap, size);
    take(lazy);
    Guest eager(memory, heap, size);
    ASSERT_TRUE(eager.pages.attach(snapshot).ok());
    std::mt19937_64 random{7};
    for (u32 round = 0; round < 3000; ++round) {
        const u64 near = random() % 3 * 20;
        for (u32 i = 0; i < 12; ++i) {
            const u64 page = random() % 5 == 0 ? random() % pages : near + random() % 20;
            const u8 value = static_cast<u8>(random() % 3);
            const bool by_host = random() % 4 == 0;
            for (Guest *guest : {&lazy, &eager}) {
                if (guest == &eager) guest->cpu.flush();
                if (by_host)
                    ASSERT_TRUE(guest->pages.write(page_at(page), {&value, 1}).ok());
                else
                    guest->write_unchecked(page_at(page), value);
            }
        }
        ASSERT_EQ(lazy.digest_of_changes(), eager.digest_of_changes()) << round;
        ASSERT_TRUE(lazy.pages.reset().ok() && eager.pages.reset().ok());
        if (round % 50 == 0) lazy.evict(random() % 30);
        if (round % 100 == 0) expect_invariants(lazy.pages);
        if (round % 20 != 0) continue;
        ASSERT_EQ(lazy.digest(), snapshot.digest()) << round;
        ASSERT_EQ(eager.digest(), snapshot.digest()) << round;
    }
    EXPECT_LT(lazy.cpu.flushes(), 3000u);
}

// The bit of a page that is kept dirty says nothing, so a machine that runs short compares its bytes.
TEST_F(KeptPagesTest, APageThatIsKeptDirtyTakesNoRoomFromACaseThatDoesNotWriteIt) {
    Guest guest(memory, heap, size);
    take(guest);
    guest.pages.set_page_limit(30);
    steady(guest, 0, 20);
    for (u32 round = 0; round < 3; ++round) {
        for (u64 page = 40; page < 70; ++page) guest.write(page_at(page), 0xEE);
        EXPECT_TRUE(fails_with(guest.pages.fault(page_at(99), vm::Access::write), vm::out_of_memory));
        for (u64 page = 40; page < 70; ++page) EXPECT_EQ(guest.host_read(page_at(page)), 0xEE);
        guest.reset();
        ASSERT_EQ(guest.digest(), snapshot.digest());
        steady(guest, 0, 20);
    }
}

// A page table that became private, because a case changed it: walks set its dirty bit in every case, and
// change nothing.
TEST_F(KeptPagesTest, WalksOfAPrivatePageTableOweNoFlushAndItsChangesDo) {
    Guest guest(memory, heap, size);
    guest.host_write(page_at(20) + 8, 0x67);
    ASSERT_TRUE(guest.pages.protect_tables(page_at(20), 1).ok());
    guest.take(snapshot);
    guest.walk(page_at(20));
    const auto case_that_protects = [&] {
        guest.host_write(page_at(20) + 8, 0x65);
        guest.walk(page_at(20));
        guest.reset();
    };
    for (u32 i = 0; i < 2 * vm::keep_after; ++i) {
        const u64 epoch = guest.pages.epoch();
        case_that_protects();
        ASSERT_GT(guest.pages.epoch(), epoch);
        ASSERT_EQ(guest.digest(), snapshot.digest());
    }
    const u64 epoch = guest.pages.epoch(), restored = guest.pages.statistics().dirty_pages;
    for (u32 i = 0; i < 2 * vm::keep_after; ++i) {
        guest.walk(page_at(20));
        guest.reset();
    }
    EXPECT_EQ(guest.pages.epoch(), epoch);
    EXPECT_EQ(guest.pages.statistics().dirty_pages, restored);
    case_that_protects();
    EXPECT_GT(guest.pages.epoch(), epoch);
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

TEST_F(KeptPagesTest, MorePagesThanTheListHoldsAreRestoredWithAFlush) {
    Guest guest(memory, heap, size);
    take(guest);
    for (u32 i = 0; i < 10; ++i) {
        one_case(guest, 0, vm::max_hot_pages + 20);
        ASSERT_EQ(guest.digest(), snapshot.digest());
    }
    const u64 epoch = guest.pages.epoch();
    one_case(guest, 0, vm::max_hot_pages + 20);
    EXPECT_GT(guest.pages.epoch(), epoch);
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

// A case that needs ever more pages evicts again and again: what is compared then must not grow with it.
TEST_F(KeptPagesTest, EvictionComparesEachKeptPageOnceInACase) {
    Guest guest(memory, heap, size);
    take(guest);
    steady(guest, 0, 20);
    for (u64 page = 5; page < 90; ++page) guest.write(page_at(page), 0x77);
    EXPECT_EQ(guest.evict(1000), 5u) << "kept pages that this case has not written";
    const u64 pins = memory.steps();
    EXPECT_EQ(guest.evict(1000), 0u);
    EXPECT_LE(memory.steps() - pins, 4u) << "a nested table for each region, and no page to compare";
    for (u64 page = 5; page < 90; ++page) ASSERT_EQ(guest.host_read(page_at(page)), 0x77);
    expect_invariants(guest.pages);
    guest.reset();
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

} // namespace
