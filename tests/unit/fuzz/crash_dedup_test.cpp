// tests/unit/fuzz/crash_dedup_test.cpp — each crash hash is claimed once, by one core.
#include "fuzz/crash_dedup.h"

#include <atomic>
#include <thread>

#include "tests/sim/test.h"

namespace {

using fuzz::CrashDedup;

TEST(CrashDedup, AHashIsClaimedByOneCoreOnly) {
    CrashDedup set;
    std::atomic<u32> claimed = 0;
    const auto claim = [&] {
        for (u64 number = 1; number <= 400; ++number)
            claimed += set.claim(number * 1024); // all hash to one slot
    };
    std::thread a(claim), b(claim);
    a.join();
    b.join();
    EXPECT_EQ(claimed, 400u);
    EXPECT_EQ(set.count(), 400u);
}

TEST(CrashDedup, AFullSetClaimsNothingMore) {
    CrashDedup set;
    for (u64 number = 1; number <= CrashDedup::capacity; ++number) static_cast<void>(set.claim(number));
    EXPECT_TRUE(set.full());
    EXPECT_TRUE(set.known(1));
    EXPECT_FALSE(set.known(999999));
    EXPECT_FALSE(set.claim(999999));
}

} // namespace
