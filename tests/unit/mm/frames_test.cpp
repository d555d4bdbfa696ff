// tests/unit/mm/frames_test.cpp — frame pools: frame tables, free lists, contiguous runs, other cores' pools,
// counters.
#include "mm/frames.h"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "mm/frame_pool_check.h"
#include "tests/sim/memory.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

using mm::Owner;
using Pool = mm::FramePool<SimMemory>;
using Frames = mm::Frames<SimMemory>;

struct FramesTest : testing::Test {
    SimMemory memory{6000, Phys(0x1000000), SimMemory::Mode::quick};
    Pool pool{memory};
    Frames frames{memory};

    void add(u64 count, u64 boot = 0) {
        pool.add({memory.first(), count * page_size, boot * page_size, 0, 0}).take();
        frames.attach(0, pool);
    }
    void TearDown() override {
        memory.never_fail();
        mm::check_accounting(pool);
    }
};

TEST_F(FramesTest, EveryFrameOfARangeIsHandedOutOnceAndFrameTablesNever) {
    add(5000);
    EXPECT_EQ(frames.free_frames(), 5000u - 3) << "three groups have a frame table";
    std::set<u64> seen;
    for (;;) {
        auto frame = frames.allocate(Owner::heap);
        if (!frame.ok()) {
            EXPECT_TRUE(fails_with(std::move(frame), mm::out_of_frames));
            break;
        }
        const u64 number = (frame.value() - memory.first()) / page_size;
        EXPECT_NE(number % mm::frames_per_group, 0u);
        EXPECT_TRUE(seen.insert(number).second);
    }
    EXPECT_EQ(seen.size(), 4997u);
    EXPECT_EQ(frames.free_frames(), 0u);
}

TEST_F(FramesTest, AFreedFrameServesAgain) {
    add(10);
    const Phys first = frames.allocate(Owner::heap).take();
    frames.free(first, Owner::heap);
    EXPECT_EQ(frames.allocate(Owner::stack).take(), first);
    EXPECT_EQ(frames.owner_of(first), Owner::stack);
}

TEST_F(FramesTest, AFreeFrameIsNeverReadOrWritten) {
    add(100);
    std::vector<Phys> all;
    for (u32 i = 0; i < 50; ++i) all.push_back(frames.allocate(Owner::heap).take());
    for (const Phys frame : all) {
        std::fill_n(memory.peek(frame), page_size, 0xEE);
        frames.free(frame, Owner::heap);
    }
    for (const Phys frame : all)
        for (u64 i = 0; i < page_size; ++i) ASSERT_EQ(memory.peek(frame)[i], 0xEE);
}

TEST_F(FramesTest, ADoubleFreeAStrangersFreeAndAForeignFrameAreBugs) {
    add(10);
    const Phys frame = frames.allocate(Owner::heap).take();
    EXPECT_DEATH(frames.free(frame, Owner::stack), "by its owner");
    frames.free(frame, Owner::heap);
    EXPECT_DEATH(frames.free(frame, Owner::heap), "freed once");
    EXPECT_DEATH(frames.free(Phys(0x10), Owner::heap), "one that was allocated");
    EXPECT_DEATH(frames.free(memory.first() + 5000 * page_size, Owner::heap), "one that was allocated");
    EXPECT_DEATH(frames.free(memory.first() + 5 * page_size, Owner::heap), "handed out before");
    EXPECT_DEATH(frames.free(memory.first(), Owner::metadata), "never freed");
}

TEST_F(FramesTest, TheCountersAreTrueByOwner) {
    add(100);
    std::vector<Phys> heap, tables;
    for (u32 i = 0; i < 7; ++i) heap.push_back(frames.allocate(Owner::heap).take());
    for (u32 i = 0; i < 3; ++i) tables.push_back(frames.allocate(Owner::page_table).take());
    EXPECT_EQ(frames.used(Owner::heap), 7u);
    EXPECT_EQ(frames.used(Owner::page_table), 3u);
    for (const Phys frame : heap) frames.free(frame, Owner::heap);
    EXPECT_EQ(frames.used(Owner::heap), 0u);
    EXPECT_EQ(frames.used(), 3u);
    EXPECT_EQ(frames.peak(), 10u);
    EXPECT_EQ(frames.free_frames(), 99u - 3);
}

TEST_F(FramesTest, TheBootsFramesAreItsOwnUntilTheyAreFreedOneByOne) {
    add(3000, 1500); // the boot's part covers the frame table of the second group
    u64 handed_out = 0;
    while (frames.owner_of(memory.first() + 2999 * page_size) == Owner::boot) {
        auto frame = frames.allocate(Owner::heap);
        if (!frame.ok()) {
            rstate::handled(std::move(frame));
            break;
        }
        EXPECT_LT((frame.value() - memory.first()) / page_size, 1500u);
        ++handed_out;
    }
    EXPECT_EQ(handed_out, 1499u);
    EXPECT_EQ(frames.used(Owner::boot), 1499u) << "one of its 1500 holds a frame table";
    frames.free(memory.first() + 2999 * page_size, Owner::boot);
    EXPECT_EQ(frames.allocate(Owner::heap).take(), memory.first() + 2999 * page_size);
    EXPECT_EQ(frames.used(Owner::boot), 1498u);
}

TEST_F(FramesTest, ARunOfFramesIsAlignedAndContiguousAndWhatItSkipsIsNotLost) {
    add(3000);
    static_cast<void>(frames.allocate(Owner::heap).take());
    const Phys first = frames.allocate_run(512, 512, Owner::device).take();
    EXPECT_TRUE(is_aligned(first.value(), 2_MiB));
    for (u64 i = 0; i < 512; ++i) EXPECT_EQ(frames.owner_of(first + i * page_size), Owner::device);
    EXPECT_EQ(frames.free_frames(), 3000u - 2 - 1 - 512);
    u64 rest = 0;
    for (;; ++rest) {
        auto frame = frames.allocate(Owner::heap);
        if (frame.ok()) continue;
        rstate::handled(std::move(frame));
        break;
    }
    EXPECT_EQ(rest, 3000u - 2 - 1 - 512);
    frames.free_run(first, 512, Owner::device);
    EXPECT_EQ(frames.free_frames(), 512u);
}

// The frames of a large page, given back one by one in any order, are a large page again, and not before.
TEST_F(FramesTest, ALargePageIsSplitAndJoinedAgain) {
    add(3000);
    const Phys large = frames.allocate_run(512, 512, Owner::device).take();
    u64 taken = 512;
    for (;; ++taken) {
        auto frame = frames.allocate(Owner::heap);
        if (frame.ok()) continue;
        rstate::handled(std::move(frame));
        break;
    }
    std::vector<u64> order(512);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
    for (const u64 k : order) {
        EXPECT_TRUE(fails_with(frames.allocate_run(512, 512, Owner::device), mm::no_contiguous));
        frames.free(large + k * page_size, Owner::device);
        mm::check_accounting(pool);
    }
    EXPECT_EQ(frames.free_frames(), 512u);
    EXPECT_EQ(frames.allocate_run(512, 512, Owner::snapshot).take(), large);
    for (u64 k = 0; k < 512; ++k) ASSERT_EQ(frames.owner_of(large + k * page_size), Owner::snapshot);
    EXPECT_EQ(frames.free_frames(), 0u);
    EXPECT_EQ(frames.used(), taken);
    EXPECT_TRUE(fails_with(frames.allocate(Owner::heap), mm::out_of_frames))
        << "the list is as empty as it says";
}

TEST_F(FramesTest, WhereverAPinFailsARunThatIsJoinedIsNotLost) {
    add(5000);
    std::vector<Phys> runs;
    for (;;) {
        auto run = frames.allocate_run(500, 1, Owner::device);
        if (!run.ok()) {
            rstate::handled(std::move(run));
            break;
        }
        runs.push_back(run.take());
    }
    // Of the first group listed a single frame, of the second a whole run: it leaves the middle of the list.
    frames.free_run(runs.back(), 500, Owner::device);
    const Phys single = frames.allocate_run(499, 1, Owner::heap).take();
    frames.free_run(runs.front(), 500, Owner::device);
    frames.free(single, Owner::heap);
    const u64 free = frames.free_frames();
    u64 n = 0;
    for (;; ++n) {
        memory.fail_after(n);
        auto run = frames.allocate_run(500, 1, Owner::device);
        memory.never_fail();
        if (run.ok()) break;
        EXPECT_TRUE(fails_with(std::move(run), mm::no_slot)) << n;
        EXPECT_EQ(frames.free_frames(), free);
        mm::check_accounting(pool);
    }
    EXPECT_GT(n, 0u);
    for (u64 left = free - 500; left > 0; --left) ASSERT_TRUE(frames.allocate(Owner::heap).ok()) << left;
    EXPECT_EQ(frames.free_frames(), 0u);
}

// Singles and runs of every size and alignment come and go: none overlaps, and what is left is what is free.
TEST_F(FramesTest, RandomRunsAgreeWithAnOracle) {
    add(6000, 500);
    std::mt19937_64 random(11);
    std::map<u64, u64> runs; // first frame's address, frames
    u64 live = 0, joined = 0, unused = ~0ul;
    for (u32 step = 0; step < 20'000; ++step) {
        if (random() % 2 == 0 || runs.empty()) {
            const u64 count = random() % 3 == 0 ? 1 : 1 + random() % 600, alignment = 1ul << random() % 10;
            auto run = frames.allocate_run(count, alignment, Owner::device);
            if (!run.ok()) {
                rstate::handled(std::move(run));
                unused = 0;
                continue;
            }
            const Phys first = run.take();
            ASSERT_TRUE(is_aligned(first.frame_number(), alignment) || count == 1);
            const auto after = runs.lower_bound(first.value());
            ASSERT_TRUE(after == runs.end() || first.value() + count * page_size <= after->first);
            if (after != runs.begin()) {
                const auto &[address, frames_before] = *std::prev(after);
                ASSERT_LE(address + frames_before * page_size, first.value());
            }
            for (u64 k = 0; k < count; ++k) ASSERT_EQ(frames.owner_of(first + k * page_size), Owner::device);
            runs[first.value()] = count, live += count;
            joined += unused == 0 && count > 1;
        } else {
            auto victim = runs.lower_bound(memory.first().value() + random() % (6000 * page_size));
            if (victim == runs.end()) victim = runs.begin();
            frames.free_run(Phys(victim->first), victim->second, Owner::device);
            live -= victim->second;
            runs.erase(victim);
        }
        ASSERT_EQ(frames.used(Owner::device), live);
        ASSERT_EQ(frames.free_frames(), 6000u - 3 - 500 - live);
        mm::check_accounting(pool);
    }
    EXPECT_GT(joined, 1000u);
}

TEST_F(FramesTest, ARunDoesNotCrossAFrameTable) {
    add(5000);
    for (u32 i = 0; i < 4; ++i) {
        auto run = frames.allocate_run(1000, 1, Owner::device);
        const Phys first = run.take();
        const u64 number = (first - memory.first()) / page_size;
        EXPECT_EQ(number / mm::frames_per_group, (number + 999) / mm::frames_per_group);
        EXPECT_NE(number % mm::frames_per_group, 0u);
    }
    EXPECT_TRUE(fails_with(frames.allocate_run(1000, 1, Owner::device), mm::no_contiguous));
    EXPECT_TRUE(fails_with(frames.allocate_run(2040, 1, Owner::device), mm::too_large));
}

TEST_F(FramesTest, AnEmptyPoolTakesFromItsNodeFirstAndThenFromAny) {
    Pool own(memory), near(memory), far(memory);
    own.add({memory.first(), 4 * page_size, 0, 0, 0}).take();
    far.add({memory.first() + 100 * page_size, 4 * page_size, 0, 1, 0}).take();
    near.add({memory.first() + 200 * page_size, 4 * page_size, 0, 0, 0}).take();
    frames.attach(0, own);
    frames.attach(1, far);
    frames.attach(2, near);
    const auto pool_of = [&](Phys frame) { return (frame - memory.first()) / page_size / 100; };
    std::vector<u64> order;
    for (u32 i = 0; i < 9; ++i) order.push_back(pool_of(frames.allocate(Owner::heap).take()));
    EXPECT_EQ(order, (std::vector<u64>{0, 0, 0, 2, 2, 2, 1, 1, 1}));
    EXPECT_EQ(frames.from_other_pools(), 6u);
    EXPECT_TRUE(fails_with(frames.allocate(Owner::heap), mm::out_of_frames));
}

// Two cores on each of two nodes: from whichever core it is asked, its own comes first, then its node's, then
// the lowest core's of the other node; the figures are true on the way there and back.
TEST_F(FramesTest, EachCoreTakesFromOthersInItsOwnOrderAndTheCountersStayTrue) {
    constexpr u64 each = 5; // one of them holds a frame table
    std::vector<std::unique_ptr<Pool>> pools;
    for (u32 core = 0; core < 4; ++core) {
        pools.push_back(std::make_unique<Pool>(memory));
        pools[core]->add({memory.first() + core * 100 * page_size, each * page_size, 0, core / 2, 0}).take();
        frames.attach(core, *pools[core]);
    }
    const std::vector<std::vector<u64>> orders{{0, 1, 2, 3}, {1, 0, 2, 3}, {2, 3, 0, 1}, {3, 2, 0, 1}};
    u64 from_others = 0;
    for (u32 core = 0; core < 4; ++core) {
        const sim::AsCore as(core);
        std::vector<Phys> taken;
        for (const u64 from : orders[core])
            for (u64 i = 0; i < each - 1; ++i) {
                taken.push_back(frames.allocate(Owner::heap).take());
                EXPECT_EQ((taken.back() - memory.first()) / page_size / 100, from) << "core " << core;
                from_others += from != core;
                EXPECT_EQ(frames.from_other_pools(), from_others);
                EXPECT_EQ(frames.used(Owner::heap), taken.size());
                EXPECT_EQ(frames.free_frames(), 4 * (each - 1) - taken.size());
            }
        EXPECT_TRUE(fails_with(frames.allocate(Owner::heap), mm::out_of_frames));
        EXPECT_EQ(frames.peak(), 4 * (each - 1));
        const sim::AsCore freer((core + 1) %
                                4); // another core frees: a frame returns to the pool it came from
        for (const Phys frame : taken) frames.free(frame, Owner::heap);
        for (const auto &pool : pools) EXPECT_EQ(pool->free_frames(), each - 1);
        EXPECT_EQ(frames.used(), 0u);
    }
}

TEST_F(FramesTest, ARunComesFromOtherPoolsAsAFrameDoesAndNeverFromTwo) {
    Pool own(memory), near(memory), far(memory);
    own.add({memory.first(), 4 * page_size, 0, 0, 0}).take();
    near.add({memory.first() + 4 * page_size, 4 * page_size, 0, 0, 0}).take();
    far.add({memory.first() + 100 * page_size, 6 * page_size, 0, 1, 0}).take();
    frames.attach(0, own), frames.attach(1, far), frames.attach(2, near);
    EXPECT_EQ(frames.allocate_run(5, 1, Owner::device).take(), memory.first() + 101 * page_size);
    EXPECT_EQ(frames.from_other_pools(), 5u);
    EXPECT_TRUE(fails_with(frames.allocate_run(4, 1, Owner::device), mm::no_contiguous));
    EXPECT_EQ(frames.allocate_run(3, 1, Owner::device).take(), memory.first() + page_size);
    EXPECT_EQ(frames.allocate_run(3, 1, Owner::device).take(), memory.first() + 5 * page_size);
    EXPECT_EQ(frames.from_other_pools(), 8u);
}

TEST_F(FramesTest, AFreedFrameGoesBackToThePoolItCameFrom) {
    Pool own(memory), other(memory);
    own.add({memory.first(), 4 * page_size, 0, 0, 0}).take();
    other.add({memory.first() + 100 * page_size, 4 * page_size, 0, 0, 0}).take();
    frames.attach(0, own);
    frames.attach(1, other);
    const Phys frame = frames.allocate(Owner::heap).take();
    const sim::AsCore as(1);
    frames.free(frame, Owner::heap);
    EXPECT_EQ(own.free_frames(), 3u);
    EXPECT_EQ(other.free_frames(), 3u);
}

TEST_F(FramesTest, StartingTouchesNothingOfAnUnusedRange) {
    std::fill_n(memory.peek(memory.first()), 6000 * page_size, 0x77);
    add(6000);
    const u8 *all = memory.peek(memory.first());
    EXPECT_TRUE(std::all_of(all, all + 6000 * page_size, [](u8 byte) { return byte == 0x77; }));
}

TEST_F(FramesTest, SmallRangesAndMoreOfThemThanAPoolKeeps) {
    EXPECT_TRUE(pool.add({memory.first(), page_size, 0, 0, 0}).ok()) << "its frame table would be all of it";
    EXPECT_EQ(pool.free_frames(), 0u);
    for (u64 i = 1; i <= Pool::max_ranges; ++i)
        pool.add({memory.first() + 10 * i * page_size, 2 * page_size, 0, 0, 0}).take();
    EXPECT_EQ(pool.free_frames(), Pool::max_ranges);
    EXPECT_TRUE(fails_with(pool.add({memory.first() + 1000 * page_size, 2 * page_size, 0, 0, 0}),
                           mm::out_of_records));
}

TEST_F(FramesTest, WhereverAPinFailsTheFrameIsNotLost) {
    add(3000);
    for (const bool returned : {false, true}) {
        if (returned) frames.free(frames.allocate(Owner::heap).take(), Owner::heap);
        const u64 free = frames.free_frames();
        memory.fail_after(0);
        EXPECT_TRUE(fails_with(frames.allocate(Owner::heap), mm::no_slot));
        memory.never_fail();
        EXPECT_EQ(frames.free_frames(), free);
        EXPECT_EQ(frames.used(), 0u);
        frames.free(frames.allocate(Owner::heap).take(), Owner::heap);
    }
    for (u64 n = 0;; ++n) {
        memory.fail_after(n);
        auto run = frames.allocate_run(512, 512, Owner::device);
        memory.never_fail();
        if (run.ok()) break;
        rstate::handled(std::move(run));
        EXPECT_EQ(frames.used(), 0u);
    }
    u64 left = 0;
    for (;; ++left) {
        auto frame = frames.allocate(Owner::heap);
        if (frame.ok()) continue;
        rstate::handled(std::move(frame));
        break;
    }
    EXPECT_EQ(left, 3000u - 2 - 512);
}

TEST_F(FramesTest, RandomAllocationsAndFreesAgreeWithAnOracle) {
    add(5000, 300);
    std::mt19937_64 random(5);
    std::map<u64, Owner> live;
    for (u32 step = 0; step < 100'000; ++step) {
        if (random() % 2 == 0 || live.empty()) {
            const Owner owner = static_cast<Owner>(2 + random() % 8);
            auto frame = frames.allocate(owner);
            if (!frame.ok()) {
                ASSERT_EQ(live.size(), 5000u - 300 - 3);
                rstate::handled(std::move(frame));
                continue;
            }
            ASSERT_TRUE(live.insert({frame.value().value(), owner}).second);
        } else {
            auto victim = live.lower_bound(memory.first().value() + random() % (5000 * page_size));
            if (victim == live.end()) victim = live.begin();
            ASSERT_EQ(frames.owner_of(Phys(victim->first)), victim->second);
            frames.free(Phys(victim->first), victim->second);
            live.erase(victim);
        }
        ASSERT_EQ(frames.used() - frames.used(Owner::boot), live.size());
    }
}

// The check that every test of this file ends with sees what it is for.
TEST_F(FramesTest, TheAccountingCheckCatchesABrokenTable) {
    add(100);
    const Phys frame = frames.allocate(Owner::heap).take();
    frames.free(frame, Owner::heap);
    auto &table = *reinterpret_cast<mm::FrameTable *>(memory.peek(memory.first()));
    const mm::FrameTable good = table;
    ++table.free_count;
    EXPECT_DEATH(mm::check_accounting(pool), "count is right");
    table = good;
    table.free_head = mm::FrameState::list_end;
    EXPECT_DEATH(mm::check_accounting(pool), "as long as its count");
    table = good;
    table.frames[50] = mm::FrameState::allocated(Owner::heap);
    EXPECT_DEATH(mm::check_accounting(pool), "once it is handed out");
    table = good;
    table.frames[1] = mm::FrameState::allocated(Owner::heap); // the frame that was freed
    EXPECT_DEATH(mm::check_accounting(pool), "count is right");
    table = good;
}

} // namespace
