// tests/unit/vm/shortage_test.cpp — frames run short: clean pages are evicted, and an operation that fails
// changes nothing.
#include "mm/codes.h"
#include "tests/unit/vm/world.h"

namespace {

using namespace sim;

constexpr u64 size = 4_MiB;

class ShortageTest : public testing::Test {
  protected:
    SimMemory memory{4096};
    Heap heap;
    vm::Snapshot snapshot;

    ~ShortageTest() override { EXPECT_TRUE(snapshot.release(memory, memory).ok()); }
    static void fill(Guest &guest) {
        for (u64 page = 0; page < 200; ++page) guest.host_write(page_at(page), static_cast<u8>(page + 1));
    }
};

TEST_F(ShortageTest, AMachineEvictsCleanPagesAndContinues) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    memory.limit_frames(memory.used() + 40); // far fewer than the cases write in sum
    for (u64 round = 0; round < 20; ++round) {
        for (u64 page = 0; page < 10; ++page) guest.write(page_at((round * 10 + page) % 200), 0xEE);
        for (u64 page = 0; page < 10; ++page) EXPECT_EQ(guest.read(page_at((round * 10 + page) % 200)), 0xEE);
        guest.reset();
        ASSERT_EQ(guest.digest(), snapshot.digest());
    }
    EXPECT_GT(guest.pages.statistics().evicted_pages, 0u);
}

TEST_F(ShortageTest, DirtyPagesAreNeverEvicted) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    for (u64 page = 0; page < 20; ++page) guest.write(page_at(page), 0xEE);
    EXPECT_EQ(guest.evict(100), 0u);
    memory.limit_frames(memory.used());
    EXPECT_TRUE(fails_with(guest.pages.fault(page_at(50), vm::Access::write), vm::out_of_memory));
    EXPECT_EQ(guest.pages.private_pages(), 20u);
    for (u64 page = 0; page < 20; ++page) EXPECT_EQ(guest.host_read(page_at(page)), 0xEE);
    guest.reset();
    guest.enter();
    EXPECT_EQ(guest.evict(5), 5u);
    EXPECT_EQ(guest.pages.private_pages(), 15u);
    guest.write(page_at(50), 1); // there is room again
    guest.reset();
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

TEST_F(ShortageTest, ACaseThatWritesMoreThanItsMachineMayHaveFailsAndTheNextRuns) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    guest.pages.set_page_limit(30);
    const u64 before = memory.used();
    for (u32 round = 0; round < 5; ++round) {
        for (u64 page = 0; page < 30; ++page) guest.write(page_at(page * 5 + round), 0xEE);
        EXPECT_TRUE(fails_with(guest.pages.fault(page_at(199), vm::Access::write), vm::out_of_memory));
        for (u64 page = 0; page < 30; ++page) EXPECT_EQ(guest.host_read(page_at(page * 5 + round)), 0xEE);
        guest.reset();
        ASSERT_EQ(guest.digest(), snapshot.digest());
        EXPECT_LE(memory.used(), before + 31); // and a nested table
    }
}

// Frames that move from one page to another stay with the same machine.
TEST_F(ShortageTest, AtItsLimitAMachineUsesItsOwnFramesAgain) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    guest.pages.set_page_limit(40);
    for (u64 page = 0; page < 40; ++page) guest.write(page_at(page), 1);
    guest.reset();
    const u64 used = memory.used(), taken = guest.pages.statistics().allocations;
    for (u64 page = 50; page < 90; ++page) guest.write(page_at(page), 2);
    for (u64 page = 50; page < 90; ++page) EXPECT_EQ(guest.read(page_at(page)), 2);
    EXPECT_EQ(memory.used(), used);
    EXPECT_EQ(guest.pages.statistics().allocations, taken);
    EXPECT_EQ(guest.pages.private_pages(), 40u);
    guest.reset();
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

TEST_F(ShortageTest, BeforeTheSnapshotNothingIsEvicted) {
    Guest guest(memory, heap, size);
    fill(guest);
    memory.limit_frames(memory.used());
    const u8 byte = 1;
    EXPECT_TRUE(fails_with(guest.pages.write(page_at(500), {&byte, 1}), mm::out_of_frames));
    EXPECT_EQ(guest.pages.private_pages(), 200u);
}

// Every allocation and every pin of an operation fails once; afterwards the operation works, and nothing is
// lost.
TEST_F(ShortageTest, MakingAMachineFailsCleanlyAtEveryStep) {
    for (u64 step = 0;; ++step) {
        ASSERT_LT(step, 100u);
        memory.fail_after(step);
        auto made = GuestMemory::make(memory, memory, heap.allocator(), size);
        const bool failed = memory.failed();
        memory.never_fail();
        ASSERT_EQ(made.ok(), !failed);
        if (made.ok()) break;
        handled(std::move(made));
        ASSERT_EQ(memory.used(), 0u);
        ASSERT_EQ(heap.live(), 0u);
    }
}

TEST_F(ShortageTest, AWriteFailsCleanlyAtEveryStep) {
    for (u64 step = 0;; ++step) {
        ASSERT_LT(step, 100u);
        Guest guest(memory, heap, size);
        guest.host_write(page_at(600), 5);
        memory.fail_after(step);
        const u8 byte = 7;
        auto written = guest.pages.write(page_at(3) + 1, {&byte, 1});
        const bool failed = memory.failed();
        memory.never_fail();
        ASSERT_EQ(written.ok(), !failed);
        const bool complete = written.ok();
        handled(std::move(written));
        EXPECT_EQ(guest.host_read(page_at(3) + 1), complete ? 7 : 0);
        EXPECT_EQ(guest.host_read(page_at(600)), 5);
        guest.host_write(page_at(3) + 1, 8);
        EXPECT_EQ(guest.read(page_at(3) + 1), 8);
        if (complete) break;
    }
    EXPECT_EQ(memory.used(), 0u);
}

TEST_F(ShortageTest, AFaultFailsCleanlyAtEveryStep) {
    Guest taker(memory, heap, size);
    fill(taker);
    taker.take(snapshot);
    for (u64 step = 0;; ++step) {
        ASSERT_LT(step, 100u);
        Guest guest(memory, heap, size);
        ASSERT_TRUE(guest.pages.attach(snapshot).ok());
        memory.fail_after(step);
        auto resolved = guest.pages.fault(page_at(9), vm::Access::write);
        const bool failed = memory.failed();
        memory.never_fail();
        ASSERT_EQ(resolved.ok(), !failed);
        const bool complete = resolved.ok();
        handled(std::move(resolved));
        EXPECT_EQ(guest.digest(), snapshot.digest());
        guest.write(page_at(9), 0x99);
        EXPECT_EQ(guest.read(page_at(9)), 0x99);
        if (complete) break;
    }
}

TEST_F(ShortageTest, ASnapshotFailsCleanlyAtEveryStep) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.host_write(page_at(700), 3);
    ASSERT_TRUE(guest.pages.protect_tables(page_at(100), 2).ok());
    const u64 used = memory.used(), live = heap.live();
    const u64 digest = guest.digest();
    bool taken = false;
    for (u64 step = 0; !taken; ++step) {
        ASSERT_LT(step, 5000u);
        memory.fail_after(step);
        auto result = vm::SnapshotTaker<SimMemory, SimMemory>(guest.pages, snapshot).take({});
        memory.never_fail();
        taken = result.ok();
        handled(std::move(result));
        if (taken) break; // merging is best effort: a failure in it is no failure of the snapshot
        ASSERT_FALSE(snapshot.taken());
        ASSERT_EQ(memory.used(), used);
        ASSERT_EQ(heap.live(), live);
        guest.write(page_at(7) + 9, 1); // pages are writable still
        guest.write(page_at(7) + 9, 0);
        ASSERT_EQ(guest.digest(), digest) << "step " << step;
    }
    EXPECT_EQ(snapshot.digest(), digest);
    EXPECT_EQ(guest.digest(), digest);
    guest.write(page_at(7), 9);
    guest.reset();
    EXPECT_EQ(guest.digest(), digest);
}

TEST_F(ShortageTest, AResetThatFailsHalfwayIsFinishedByTheNext) {
    Guest guest(memory, heap, size);
    fill(guest);
    guest.take(snapshot);
    for (u64 step = 0;; ++step) {
        ASSERT_LT(step, 500u);
        for (u64 page = 0; page < 20; ++page) guest.write(page_at(page * 30), 0x77);
        memory.fail_after(step);
        auto reset = guest.pages.reset();
        const bool failed = memory.failed();
        memory.never_fail();
        ASSERT_EQ(reset.ok(), !failed);
        const bool complete = reset.ok();
        handled(std::move(reset));
        guest.reset();
        ASSERT_EQ(guest.digest(), snapshot.digest()) << "step " << step;
        if (complete) break;
    }
}

TEST_F(ShortageTest, EverythingGoesBackWhenAMachineEnds) {
    {
        Guest first(memory, heap, size);
        fill(first);
        first.take(snapshot);
        Guest second(memory, heap, size);
        ASSERT_TRUE(second.pages.attach(snapshot).ok());
        second.write(page_at(1), 1);
        second.read(page_at(2));
    }
    ASSERT_TRUE(snapshot.release(memory, memory).ok());
    EXPECT_EQ(memory.used(), 0u);
}

} // namespace
