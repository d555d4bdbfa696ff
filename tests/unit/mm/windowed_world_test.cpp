// tests/unit/mm/windowed_world_test.cpp — all of memory management over real windows: what is free is in no
// slot of any core, by table or by stale translation.
#include <memory>
#include <random>
#include <vector>

#include "mm/page_heap.h"
#include "tests/sim/cpu.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/sim/window_region.h"

namespace {

using mm::Owner;
using Windows = mm::CoreWindows;

struct WindowedWorld : testing::Test {
    static constexpr u32 cores = 2;
    static constexpr u64 frame_count = 700;
    SimMemory memory{frame_count + cores, Phys(0x1000000), SimMemory::Mode::quick};
    std::vector<std::unique_ptr<sim::WindowRegion>> regions;
    std::vector<std::unique_ptr<mm::Window>> windows;
    Windows core_windows;
    mm::FramePool<Windows> pool{core_windows};
    mm::TlbShootdown tlb_shootdown{{interrupt, this}};
    mm::Frames<Windows> frames{core_windows, {mm::TlbShootdown::invalidate_frames, &tlb_shootdown}};
    std::unique_ptr<mm::AddressSpace<Windows>> space;
    std::unique_ptr<mm::PageHeap<Windows>> heap;
    u64 pending = 0;

    WindowedWorld() {
        sim::reset_cpus();
        sim::core = 0;
        for (u32 core = 0; core < cores; ++core) {
            const Phys table = memory.first() + (frame_count + core) * page_size;
            regions.push_back(std::make_unique<sim::WindowRegion>(memory, core, table));
            windows.push_back(
                std::make_unique<mm::Window>(core, regions[core]->base(), regions[core]->table()));
            core_windows.attach(core, *windows[core]);
            const sim::AsCore as(core);
            tlb_shootdown.join(windows[core].get());
        }
        sim::on_waiting([this] { serve_interrupts(); });
        pool.add({memory.first(), frame_count * page_size, 0, 0, 0}).take();
        frames.attach(0, pool);
        const Phys root = frames.allocate(Owner::page_table).take();
        cpu::fill_page(memory.peek(root), 0);
        space = std::make_unique<mm::AddressSpace<Windows>>(frames, tlb_shootdown, root, 10);
        heap = std::make_unique<mm::PageHeap<Windows>>(*space);
    }
    ~WindowedWorld() override {
        sim::on_waiting({});
        sim::reset_cpus();
    }

    static void interrupt(void *self, u32 core) {
        static_cast<WindowedWorld *>(self)->pending |= 1ul << core;
    }
    void serve_interrupts() {
        for (u32 core = 0; core < cores; ++core) {
            if ((pending >> core & 1) == 0) continue;
            pending &= ~(1ul << core);
            const sim::AsCore as(core);
            tlb_shootdown.serve();
        }
    }
    // Frames that are free and yet reachable.
    u32 free_but_reachable() {
        std::vector<Phys> reached;
        for (u64 i = 0; i < frame_count; ++i) {
            const Phys frame = memory.first() + i * page_size;
            for (const auto &region : regions)
                if (region->reaches(frame)) reached.push_back(frame);
        }
        u32 bad = 0; // what a window reaches was handed out before, so it has an owner
        for (const Phys frame : reached) bad += frames.owner_of(frame) == Owner::none;
        return bad;
    }
};

TEST_F(WindowedWorld, AFreeFrameIsReachableThroughNoSlotOfAnyCore) {
    std::mt19937_64 random(4);
    struct Block {
        Virt address;
        u64 size;
    };
    std::vector<Block> live;
    for (u32 step = 0; step < 1500; ++step) {
        const sim::AsCore as(static_cast<u32>(random() % cores));
        if (live.size() < 5 || (live.size() < 40 && random() % 2 == 0)) {
            const u64 size = 1 + random() % 9000;
            auto block = heap->allocate(size, 1, {"block", "f.cpp", "f", 1});
            live.push_back({block.take(), size});
        } else {
            std::swap(live[random() % live.size()], live.back());
            // The other core has looked at the block's page and tables through its own window.
            const sim::AsCore other(1 - sim::core);
            const Phys frame = space->table().translate(live.back().address).take();
            core_windows.pin(frame.page()).take().bytes()[0] = 0x5C;
            const sim::AsCore back(1 - sim::core);
            rstate::ignore(heap->try_free(live.back().address, live.back().size, nullptr),
                           "its first byte may differ");
            live.pop_back();
        }
        if (step % 10 == 0) ASSERT_EQ(free_but_reachable(), 0u) << "after step " << step;
    }
    for (const Block &block : live)
        rstate::ignore(heap->try_free(block.address, block.size, nullptr), "as above");
    space->drain_quarantine();
    EXPECT_EQ(free_but_reachable(), 0u);
    EXPECT_EQ(frames.used(), 1u);
    for (const auto &window : windows) EXPECT_EQ(window->pinned(), 0u);
}

TEST_F(WindowedWorld, ALargeBlockLeavesNoSlotBehindEither) {
    const u64 size = 200 * page_size;
    const Virt block = heap->allocate(size, 1, {"block", "f.cpp", "f", 1}).take();
    for (u64 at = 0; at < size; at += page_size) {
        const sim::AsCore as(1);
        const Phys frame = space->table().translate(block + at).take();
        static_cast<void>(*static_cast<volatile u8 *>(core_windows.pin(frame).take().bytes()));
    }
    heap->free(block, size, nullptr);
    EXPECT_EQ(free_but_reachable(), 0u);
}

TEST_F(WindowedWorld, AFrameIsNotFreedUnderAPinOfAnyCore) {
    const Phys frame = frames.allocate(Owner::device).take();
    const auto free = [&] { frames.free(frame, Owner::device); };
    {
        auto pin = core_windows.pin(frame).take();
        EXPECT_DEATH(free(), "a frame is not freed while it is pinned");
    }
    {
        sim::AsCore as(1);
        auto pin = core_windows.pin(frame).take();
        const sim::AsCore freer(0);
        EXPECT_DEATH(free(), "a frame is not freed while it is pinned");
    }
    free();
}

TEST_F(WindowedWorld, WithEverySlotPinnedAnAllocationIsAnErrorAndHarmless) {
    const auto allocate = [&] { return heap->allocate(8, 8, {"block", "f.cpp", "f", 1}); };
    rstate::ignore(allocate(), "makes the records' frames");
    const u64 before = frames.used(), ranges = space->live_ranges();
    for (const u64 held : {511ul, 512ul}) {
        std::vector<mm::Window::Pin> pins;
        for (u64 i = 0; i < held; ++i)
            pins.push_back(core_windows.pin(memory.first() + (100 + i) * page_size).take());
        EXPECT_TRUE(fails_with(allocate(), mm::no_slot)) << held;
        pins.clear();
        EXPECT_EQ(frames.used(), before);
        EXPECT_EQ(space->live_ranges(), ranges);
    }
    EXPECT_TRUE(allocate().ok());
}

TEST_F(WindowedWorld, AFrameThatIsPinnedIsCaughtAmongAThousandThatAreFreed) {
    const mm::Range range =
        space->map_memory(300, Owner::heap, {"many", "some/file.cpp", "some_function", 1}).take();
    const sim::AsCore as(1);
    auto pin = core_windows.pin(space->table().translate(range.page(290)).take()).take();
    EXPECT_DEATH(rstate::ignore(space->unmap_and_free(range, nullptr), "dies"),
                 "not freed while it is pinned");
}

TEST_F(WindowedWorld, ARowOfFramesComesOutOfWhatTheDeadKeep) {
    std::vector<mm::Range> ranges; // each with tables of its own
    for (u32 i = 0; i < 10; ++i)
        ranges.push_back(space->map_memory(1, Owner::heap, {"one", "some/file.cpp", "f", i}).take());
    for (const mm::Range &range : ranges) space->unmap_and_free(range, nullptr).take();
    std::vector<Phys> held; // until only frames of ranges in quarantine could make a run
    for (;;) {
        auto frame = frames.allocate_run(8, 1, Owner::device);
        if (!frame.ok()) {
            EXPECT_TRUE(fails_with(std::move(frame), mm::no_contiguous));
            break;
        }
        held.push_back(frame.take());
    }
    EXPECT_EQ(space->freed_ranges(), 0u) << "before a run is refused, the quarantine is drained";
}

} // namespace
