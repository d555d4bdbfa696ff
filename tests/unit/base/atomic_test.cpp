// tests/unit/base/atomic_test.cpp — atomic words: what each operation returns and leaves.
#include "base/atomic.h"

#include <thread>

#include "tests/sim/test.h"

namespace {

TEST(Atomic, EachReadModifyWriteReturnsWhatWasThere) {
    Atomic<u32> word(0b1100);
    EXPECT_EQ(word.fetch_add(1), 0b1100u);
    EXPECT_EQ(word.fetch_sub(1), 0b1101u);
    EXPECT_EQ(word.fetch_or(0b0011, Order::acq_rel), 0b1100u);
    EXPECT_EQ(word.fetch_and(0b1010, Order::seq_cst), 0b1111u);
    EXPECT_EQ(word.exchange(7, Order::acquire), 0b1010u);
    EXPECT_EQ(word.load(), 7u);
}

TEST(Atomic, ACompareExchangeThatFailsSaysWhatIsThere) {
    Atomic<u64> word(5);
    u64 expected = 4;
    EXPECT_FALSE(word.compare_exchange(expected, 9, Order::acq_rel, Order::acquire));
    EXPECT_EQ(expected, 5u);
    EXPECT_TRUE(word.compare_exchange(expected, 9, Order::acq_rel, Order::acquire));
    EXPECT_EQ(word.load(), 9u);
}

TEST(Atomic, ABumpChangesAWordWithOneWriter) {
    Atomic<u64> word;
    word.bump();
    word.bump(9, Order::release);
    EXPECT_EQ(word.load(Order::acquire), 10u);
}

TEST(Atomic, AReleasePublishesWhatWasWrittenBefore) {
    u64 message = 0;
    Atomic<bool> ready;
    std::thread writer([&] {
        message = 42;
        ready.store(true, Order::release);
    });
    while (!ready.load(Order::acquire)) std::this_thread::yield();
    EXPECT_EQ(message, 42u);
    writer.join();
}

} // namespace
