// tests/unit/vm/fill_test.cpp — memory that holds a byte other than zero until it is written, and memory of
// gigabytes that are not used.
#include "tests/unit/vm/world.h"

namespace {

using namespace sim;

constexpr u64 size = 8_MiB, first = 600, pages = 1000; // across regions, from the middle of one

class FillTest : public testing::Test {
  protected:
    SimMemory memory{4096};
    Heap heap;
    vm::Snapshot snapshot;

    ~FillTest() override { EXPECT_TRUE(snapshot.release(memory, memory).ok()); }
    void fill(Guest &guest) { ASSERT_TRUE(guest.pages.set_fill(page_at(first), pages, 0xFA).ok()); }
};

TEST_F(FillTest, PagesReadAsTheFillUntilTheyAreWritten) {
    Guest guest(memory, heap, size);
    fill(guest);
    EXPECT_EQ(guest.read(page_at(first - 1) + 4095), 0);
    EXPECT_EQ(guest.read(page_at(first)), 0xFA);
    EXPECT_EQ(guest.host_read(page_at(first + pages - 1) + 4095), 0xFA);
    EXPECT_EQ(guest.read(page_at(first + pages)), 0);
    guest.write(page_at(700) + 5, 1);
    EXPECT_EQ(guest.read(page_at(700) + 4), 0xFA);
    EXPECT_EQ(guest.read(page_at(700) + 5), 1);
}

TEST_F(FillTest, AResetRestoresTheFillOnEveryMachine) {
    Guest taker(memory, heap, size);
    fill(taker);
    taker.host_write(page_at(650), 0x11);
    taker.host_write(page_at(10), 0x22);
    taker.take(snapshot);
    Guest other(memory, heap, size);
    ASSERT_TRUE(other.pages.attach(snapshot).ok());
    for (Guest *guest : {&taker, &other}) {
        EXPECT_EQ(guest->digest(), snapshot.digest());
        for (u32 round = 0; round < 3; ++round) { // cold, then hot
            guest->read(page_at(660));
            for (const u64 page : {10ul, 20ul, 650ul, 660ul, first + pages - 1})
                guest->write(page_at(page) + round, 0xEE);
            EXPECT_NE(guest->digest(), snapshot.digest());
            guest->reset();
            EXPECT_EQ(guest->digest(), snapshot.digest());
            EXPECT_EQ(guest->read(page_at(660) + round), 0xFA);
            EXPECT_EQ(guest->read(page_at(650)), 0x11);
            EXPECT_EQ(guest->read(page_at(20)), 0);
        }
        guest->enter();
        guest->evict(100);
        EXPECT_EQ(guest->read(page_at(660)), 0xFA);
    }
}

// A page of zeros is what it is, where untouched memory is not zero.
TEST_F(FillTest, APageOfZerosInTheFillStaysZero) {
    Guest guest(memory, heap, size);
    fill(guest);
    for (u64 byte = 0; byte < page_size; ++byte) {
        const u8 zero = 0, poison = 0xFA;
        ASSERT_TRUE(guest.pages.write(page_at(800) + byte, {&zero, 1}).ok());
        ASSERT_TRUE(guest.pages.write(page_at(801) + byte, {&poison, 1}).ok());
    }
    guest.take(snapshot);
    EXPECT_EQ(snapshot.pattern_pages(), 2u);
    EXPECT_EQ(guest.read(page_at(800) + 7), 0);
    EXPECT_EQ(guest.read(page_at(801) + 7), 0xFA);
    guest.write(page_at(800) + 7, 5);
    guest.reset();
    EXPECT_EQ(guest.read(page_at(800) + 7), 0);
    EXPECT_EQ(guest.digest(), snapshot.digest());
}

TEST_F(FillTest, AFillIsRefusedTooLateTwiceAndOutside) {
    Guest guest(memory, heap, size);
    EXPECT_TRUE(fails_with(guest.pages.set_fill(GuestPhys(size), 1, 1), vm::outside_memory));
    EXPECT_TRUE(fails_with(guest.pages.set_fill(GuestPhys(8), 1, 1), vm::outside_memory));
    EXPECT_TRUE(fails_with(guest.pages.set_fill(GuestPhys(0), ~0ul, 1), vm::outside_memory));
    guest.host_write(page_at(first), 1);
    EXPECT_TRUE(fails_with(guest.pages.set_fill(page_at(first), 1, 1), vm::snapshot_state));
    ASSERT_TRUE(guest.pages.set_fill(page_at(first + 512), 1, 1).ok());
    EXPECT_TRUE(fails_with(guest.pages.set_fill(page_at(first + 1024), 1, 1), vm::snapshot_state));
    EXPECT_EQ(guest.pages.private_pages(), 1u);
}

TEST_F(FillTest, AMachineOfTheLargestSizeCostsWhatItUses) {
    Guest taker(memory, heap, vm::max_memory);
    const u64 books = heap.live_bytes();
    EXPECT_LE(books, 64_KiB);
    ASSERT_TRUE(taker.pages.set_fill(GuestPhys(1_GiB), 1_GiB / page_size, 0xFA).ok());
    taker.host_write(GuestPhys(0), 1);
    taker.host_write(GuestPhys(vm::max_memory - 1), 2);
    taker.take(snapshot);
    Guest guest(memory, heap, vm::max_memory);
    const u64 frames = memory.used();
    ASSERT_TRUE(guest.pages.attach(snapshot).ok());
    EXPECT_EQ(guest.read(GuestPhys(2_GiB - 1)), 0xFA);
    guest.write(GuestPhys(3_GiB), 7);
    guest.reset();
    EXPECT_EQ(guest.digest(), snapshot.digest());
    EXPECT_EQ(guest.read(GuestPhys(vm::max_memory - 1)), 2);
    EXPECT_LE(memory.used(), frames + 12); // the fill, a page, and the nested tables on the way to three
}

} // namespace
