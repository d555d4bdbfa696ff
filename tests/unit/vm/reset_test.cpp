// tests/unit/vm/reset_test.cpp — the way back: exactly the snapshot, for exactly the pages that were written.
#include <map>
#include <random>
#include <set>

#include "tests/unit/vm/world.h"

namespace {

using namespace sim;

constexpr u64 size = 8_MiB;
constexpr u64 page_count = size / page_size;

// What memory should hold, by the simplest means.
using Oracle = std::vector<u8>;

void expect_equal(Guest &guest, const Oracle &oracle, const char *when) {
    std::vector<u8> page(page_size);
    for (u64 p = 0; p < page_count; ++p) {
        ASSERT_TRUE(guest.pages.read(page_at(p), {page.data(), page_size}).ok());
        ASSERT_EQ(std::memcmp(page.data(), oracle.data() + p * page_size, page_size), 0)
            << when << ", page " << p;
    }
}

class ResetTest : public testing::Test {
  protected:
    SimMemory memory{8192, Phys(0x200000), SimMemory::Mode::quick};
    Heap heap;
    vm::Snapshot snapshot;
    std::mt19937_64 random{1};
    Oracle oracle = Oracle(size, 0);

    ~ResetTest() override { EXPECT_TRUE(snapshot.release(memory, memory).ok()); }

    void fill(Guest &guest) {
        for (u32 i = 0; i < 400; ++i) {
            const u64 at = random() % size;
            guest.host_write(GuestPhys(at), oracle[at] = static_cast<u8>(random()));
        }
    }
    // Few pages, so that the same ones come again and steady state is reached.
    u64 somewhere() { return random() % 40 * 50 % page_count * page_size + random() % page_size; }
    void run_case(Guest &guest, Oracle &now) {
        for (u32 i = 0; i < 60; ++i) {
            const u64 at = somewhere();
            const u8 value = static_cast<u8>(random());
            switch (random() % 4) {
            case 0:
                EXPECT_EQ(guest.read(GuestPhys(at)), now[at]);
                break;
            case 1:
                guest.host_write(GuestPhys(at), now[at] = value);
                break;
            default:
                guest.write(GuestPhys(at), now[at] = value);
            }
        }
    }
};

TEST_F(ResetTest, RandomCasesOnTwoMachinesAlwaysReturnToTheSnapshot) {
    Guest first(memory, heap, size);
    fill(first);
    first.take(snapshot);
    Guest second(memory, heap, size);
    ASSERT_TRUE(second.pages.attach(snapshot).ok());
    expect_equal(second, oracle, "attached");
    for (u32 round = 0; round < 100; ++round) {
        for (Guest *guest : {&first, &second}) {
            Oracle now = oracle;
            run_case(*guest, now);
            if (round % 10 == 0) expect_equal(*guest, now, "at the end of a case");
            guest->reset();
            if (round % 10 == 0) expect_equal(*guest, oracle, "after a reset");
            ASSERT_EQ(guest->digest(), snapshot.digest()) << "round " << round;
        }
    }
}

TEST_F(ResetTest, TheDigestOfChangesIsThatOfThePagesThatDiffer) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    const u64 unchanged = guest.digest_of_changes();
    const u8 was = guest.host_read(page_at(3));
    guest.write(page_at(3), static_cast<u8>(was + 1));
    const u64 one = guest.digest_of_changes();
    EXPECT_NE(one, unchanged);
    guest.write(page_at(4), guest.host_read(page_at(4))); // dirty, and equal
    EXPECT_EQ(guest.digest_of_changes(), one);
    guest.host_write(page_at(700), 9); // in another region
    EXPECT_NE(guest.digest_of_changes(), one);
    guest.reset();
    EXPECT_EQ(guest.digest_of_changes(), unchanged);
    guest.evict(1000);
    guest.enter();
    guest.write(page_at(3), static_cast<u8>(was + 1));
    EXPECT_EQ(guest.digest_of_changes(), one);
    guest.write(page_at(3), was);
    guest.write(page_at(5), static_cast<u8>(guest.host_read(page_at(5)) + 1)); // the same, on another page
    EXPECT_NE(guest.digest_of_changes(), one);
}

// Two cases are equal in both digests or in neither.
TEST_F(ResetTest, BothDigestsTellTheSameCasesApart) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    guest.pages.set_fault_around(7);
    std::map<u64, u64> changes_of;
    for (u32 round = 0; round < 200; ++round) {
        const u64 page = random() % 4, value = random() % 3;
        guest.write(page_at(page * 600), static_cast<u8>(value));
        if (random() % 2 != 0) guest.write(page_at(7), guest.host_read(page_at(7)));
        const u64 all = guest.digest(), changes = guest.digest_of_changes();
        ASSERT_EQ(changes_of.try_emplace(all, changes).first->second, changes) << "round " << round;
        guest.reset();
        if (random() % 8 == 0) guest.evict(3), guest.enter();
    }
    std::set<u64> different;
    for (const auto &[all, changes] : changes_of) different.insert(changes);
    EXPECT_EQ(different.size(), changes_of.size());
}

TEST_F(ResetTest, RandomCasesReturnToTheSnapshotWithFaultsAnsweredAhead) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    guest.pages.set_fault_around(15);
    for (u32 round = 0; round < 100; ++round) {
        Oracle now = oracle;
        run_case(guest, now);
        expect_equal(guest, now, "at the end of a case");
        guest.reset();
        expect_equal(guest, oracle, "after a reset");
        ASSERT_EQ(guest.digest(), snapshot.digest()) << "round " << round;
    }
}

TEST_F(ResetTest, AFaultIsAnsweredForThePagesBehindItToo) {
    Guest guest(memory, heap, size);
    guest.host_write(page_at(20), 1); // used before the snapshot: not copied ahead
    guest.take(snapshot);
    guest.pages.set_fault_around(15);
    guest.write(page_at(16), 1);
    EXPECT_EQ(guest.pages.private_pages(), 15u); // 16 to 31 without 20
    for (u64 page = 17; page < 32; ++page)
        if (page != 20) guest.write(page_at(page), 2);
    EXPECT_EQ(guest.pages.statistics().new_pages, 1u);
    guest.reset();
    EXPECT_EQ(guest.pages.statistics().dirty_pages, 15u);
    guest.write(page_at(17), 3);
    guest.reset();
    EXPECT_EQ(guest.pages.statistics().dirty_pages, 16u); // what is only taken ahead is clean
    EXPECT_EQ(guest.digest(), snapshot.digest());
    guest.read(page_at(40));
    guest.read(page_at(55));
    EXPECT_EQ(guest.pages.statistics().new_pages, 2u);
}

TEST_F(ResetTest, ASteadyCaseFaultsNowhereAndTakesNothing) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    const auto one_case = [&] {
        for (u64 page = 0; page < 30; ++page) guest.write(page_at(page * 13), static_cast<u8>(page));
        for (u64 page = 0; page < 30; ++page) guest.read(page_at(page * 17));
        guest.reset();
    };
    one_case();
    const vm::Statistics warm = guest.pages.statistics();
    const u64 frames = memory.used();
    for (u32 i = 0; i < 10; ++i) one_case();
    EXPECT_EQ(guest.pages.statistics().new_pages, warm.new_pages);
    EXPECT_EQ(guest.pages.statistics().allocations, warm.allocations);
    EXPECT_EQ(memory.used(), frames);
    EXPECT_EQ(guest.pages.statistics().dirty_pages, warm.dirty_pages + 300);
    EXPECT_EQ(guest.pages.statistics().reset_bytes, guest.pages.statistics().dirty_pages * page_size);
}

TEST_F(ResetTest, OnlyWrittenPagesAreRestored) {
    Guest guest(memory, heap, size);
    guest.take(snapshot);
    for (u64 page = 0; page < 50; ++page) guest.write(page_at(page), 1);
    guest.reset();
    const u64 before = guest.pages.statistics().dirty_pages;
    guest.write(page_at(10), 1);
    guest.read(page_at(11));
    guest.host_write(page_at(12), 1);
    guest.reset();
    EXPECT_EQ(guest.pages.statistics().dirty_pages, before + 2);
    guest.reset(); // nothing was written
    EXPECT_EQ(guest.pages.statistics().dirty_pages, before + 2);
}

TEST_F(ResetTest, MorePagesThanTheHotListHoldsAreAllRestored) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    for (u64 round = 0; round < 40; ++round) {
        const u64 start = round * 7 % 100; // pages come into use and fall out of it
        for (u64 page = start; page < start + 90; ++page) guest.write(page_at(page * 5), 0x10);
        for (u64 page = start; page < start + 90; page += 3) guest.host_write(page_at(page * 5) + 9, 0x20);
        for (u64 page = start; page < start + 90; ++page) ASSERT_EQ(guest.host_read(page_at(page * 5)), 0x10);
        guest.reset();
        ASSERT_EQ(guest.digest(), snapshot.digest()) << "round " << round;
    }
    EXPECT_GT(guest.evict(1000), 150u); // every one of them is clean, hot or not
    EXPECT_EQ(guest.pages.private_pages(), 0u);
    guest.enter();
    EXPECT_EQ(guest.digest(), snapshot.digest());
    EXPECT_EQ(memory.pins(), 0u);
}

TEST_F(ResetTest, AMachineThatMovesTakesItsHotPagesAlong) {
    Guest guest(memory, heap, size);
    guest.take(snapshot);
    for (u64 page = 0; page < 10; ++page) guest.write(page_at(page), 1);
    guest.reset();
    GuestMemory moved(std::move(guest.pages));
    const u8 byte = 5;
    ASSERT_TRUE(moved.write(page_at(3), {&byte, 1}).ok());
    ASSERT_TRUE(moved.reset().ok());
    EXPECT_EQ(moved.digest({}).take(), snapshot.digest());
    EXPECT_EQ(moved.private_pages(), 10u);
}

// Proves that the other tests can fail: a processor that is not flushed after a reset writes without a dirty
// bit.
TEST_F(ResetTest, WithoutTheRequestedFlushAResetMissesAWrite) {
    Guest guest(memory, heap, size);
    guest.take(snapshot);
    guest.write(page_at(4), 1);
    guest.reset();
    // Not guest.write: it would flush.
    ASSERT_TRUE(guest.cpu.translate(guest.pages.root(), page_at(4), vm::Access::write));
    *guest.cpu.byte(*guest.cpu.translate(guest.pages.root(), page_at(4), vm::Access::write)) = 9;
    ASSERT_TRUE(guest.pages.reset().ok());
    EXPECT_NE(guest.digest(), snapshot.digest());
    EXPECT_TRUE(fails_with(guest.pages.check_invariants(), vm::broken_invariant));
}

TEST_F(ResetTest, TheDigestNoticesOneBit) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    const u64 at = 17 * page_size + 100;
    guest.write(GuestPhys(at), static_cast<u8>(oracle[at] ^ 1));
    EXPECT_NE(guest.digest(), snapshot.digest());
    guest.write(GuestPhys(at), oracle[at]);
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

TEST_F(ResetTest, PagesOfOneRepeatedWordShareAFrame) {
    Guest guest(memory, heap, size);
    std::vector<u8> red(page_size, 0xFA), zero(page_size, 0);
    for (u64 page = 0; page < 600; ++page)
        ASSERT_TRUE(guest.pages.write(page_at(page), {red.data(), page_size}).ok());
    for (u64 page = 600; page < 700; ++page)
        ASSERT_TRUE(guest.pages.write(page_at(page), {zero.data(), page_size}).ok());
    guest.host_write(page_at(700), 1);
    guest.take(snapshot);
    EXPECT_EQ(snapshot.pages(), 1u);
    EXPECT_EQ(snapshot.pattern_pages(), 700u);
    EXPECT_LE(memory.used(mm::Owner::snapshot), 2u + 2u); // two frames of pages, two tables
    EXPECT_EQ(guest.digest(), snapshot.digest());
    for (const u64 page : {0ul, 1ul, 599ul}) {
        EXPECT_EQ(guest.read(page_at(page) + 77), 0xFA);
        guest.write(page_at(page), 1);
    }
    EXPECT_EQ(guest.read(page_at(2)), 0xFA); // its neighbours' writes went elsewhere
    EXPECT_EQ(guest.read(page_at(650)), 0);
    guest.reset();
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

TEST_F(ResetTest, MorePatternsThanTheSnapshotRemembersCostTheirFrames) {
    Guest guest(memory, heap, size);
    for (u64 page = 0; page < 40; ++page) {
        std::vector<u8> fill_byte(page_size, static_cast<u8>(page / 2 + 1));
        ASSERT_TRUE(guest.pages.write(page_at(page), {fill_byte.data(), page_size}).ok());
    }
    guest.take(snapshot);
    EXPECT_EQ(snapshot.pages() + snapshot.pattern_pages(), 40u);
    EXPECT_EQ(guest.read(page_at(39)), 20);
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

} // namespace
