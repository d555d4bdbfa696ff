// tests/unit/mm/owned_frame_test.cpp — RAII for frames: freed unless released, unpinned before it is freed.
#include "mm/owned_frame.h"

#include <utility>

#include "tests/sim/memory.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

using mm::Owner;

struct OwnedFrameTest : testing::Test {
    SimMemory memory{8};
    mm::OwnedFrame<SimMemory> take() { return {memory, memory.allocate(Owner::heap).take(), Owner::heap}; }
};

TEST_F(OwnedFrameTest, AFrameIsFreedAtItsOwnersEnd) {
    {
        const auto frame = take();
        EXPECT_EQ(memory.used(Owner::heap), 1u);
    }
    EXPECT_EQ(memory.used(Owner::heap), 0u);
}

TEST_F(OwnedFrameTest, AReleasedFrameStaysAllocated) {
    Phys kept;
    {
        auto frame = take();
        kept = frame.release();
        EXPECT_FALSE(frame.owned());
    }
    EXPECT_EQ(memory.used(Owner::heap), 1u);
    memory.free(kept, Owner::heap);
}

TEST_F(OwnedFrameTest, AFrameThatIsMovedIsFreedOnce) {
    {
        auto first = take();
        const auto second = std::move(first);
        EXPECT_TRUE(second.owned());
    }
    EXPECT_EQ(memory.used(Owner::heap), 0u);
}

TEST_F(OwnedFrameTest, APinnedFrameIsZeroedAndUnpinnedBeforeItIsFreed) {
    {
        auto page = mm::PinnedFrame<SimMemory, SimMemory>::make(memory, memory, Owner::device).take();
        EXPECT_EQ(page.as<u64>(), 0u);
        EXPECT_EQ(memory.pins(), 1u);
        const auto moved = std::move(page);
        EXPECT_TRUE(moved.owned());
    }
    EXPECT_EQ(memory.pins(), 0u);
    EXPECT_EQ(memory.used(), 0u);
}

TEST_F(OwnedFrameTest, WhereverMakingAPinnedFrameFailsNothingIsLost) {
    for (u64 n = 0;; ++n) {
        memory.fail_after(n);
        auto page = mm::PinnedFrame<SimMemory, SimMemory>::make(memory, memory, Owner::device);
        memory.never_fail();
        if (page.ok()) break;
        rstate::handled(std::move(page));
        EXPECT_EQ(memory.used(), 0u) << n;
    }
    EXPECT_EQ(memory.used(), 0u);
}

} // namespace
