// tests/unit/mm/tlb_shootdown_test.cpp — TLB shootdowns, with real threads for the cores and
// real windows.
#include "mm/tlb_shootdown.h"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "cpu/lock.h"
#include "mm/frames.h"
#include "tests/sim/cpu.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/sim/window_region.h"

namespace {

struct TlbShootdownTest : testing::Test {
    static constexpr u32 cores = 3;
    SimMemory memory{300, Phys(0x1000000)};
    std::vector<std::unique_ptr<sim::WindowRegion>> regions;
    std::vector<std::unique_ptr<mm::Window>> windows;
    std::array<std::atomic<bool>, max_cores> interrupted{};
    mm::TlbShootdown tlb_shootdown{{&TlbShootdownTest::interrupt, this}};
    std::atomic<u32> interrupts{0};

    TlbShootdownTest() {
        sim::reset_cpus();
        sim::core = 0;
        for (u32 core = 0; core < cores; ++core) {
            regions.push_back(
                std::make_unique<sim::WindowRegion>(memory, core, memory.first() + core * page_size));
            windows.push_back(
                std::make_unique<mm::Window>(core, regions[core]->base(), regions[core]->table()));
        }
        sim::on_waiting([this] { take_interrupt(); });
    }
    ~TlbShootdownTest() override { sim::on_waiting({}); }

    static void interrupt(void *self, u32 core) {
        auto &test = *static_cast<TlbShootdownTest *>(self);
        ++test.interrupts;
        test.interrupted[core] = true;
    }
    // What the interrupt handler of this thread's core does.
    void take_interrupt() {
        if (interrupted[sim::core].exchange(false)) tlb_shootdown.serve();
    }
    Phys frame(u64 number) const { return memory.first() + (10 + number) * page_size; }
    void touch(u64 number) { static_cast<void>(*windows[sim::core]->pin(frame(number)).take().bytes()); }
};

TEST_F(TlbShootdownTest, AloneOnlyTheOwnCoreInvalidates) {
    tlb_shootdown.join(&*windows[0]);
    touch(1);
    mm::ShootdownBatch batch;
    batch.add_frame(frame(1));
    batch.add_page(Virt(0x7000));
    const u64 before = sim::cpu().invalidations;
    tlb_shootdown.run(batch);
    EXPECT_EQ(sim::cpu().invalidations - before, 2u) << "the page, and the window's slot";
    EXPECT_FALSE(regions[0]->reaches(frame(1)));
    EXPECT_EQ(interrupts, 0u);
}

TEST_F(TlbShootdownTest, ACoreThatFreesBeforeItJoinedIsABug) {
    mm::ShootdownBatch batch;
    EXPECT_DEATH(tlb_shootdown.run(batch), "joins before it frees");
}

TEST_F(TlbShootdownTest, EveryJoinedCoreInvalidatesBeforeRunReturns) {
    std::atomic<bool> stop{false};
    std::atomic<u32> ready{0};
    std::vector<std::thread> threads;
    for (u32 core = 1; core < cores; ++core)
        threads.emplace_back([&, core] {
            sim::core = core;
            tlb_shootdown.join(&*windows[core]);
            touch(1);
            ++ready;
            while (!stop) take_interrupt(), std::this_thread::yield();
            tlb_shootdown.leave();
        });
    tlb_shootdown.join(&*windows[0]);
    while (ready != cores - 1) std::this_thread::yield();
    touch(1);
    mm::ShootdownBatch batch;
    batch.add_frame(frame(1));
    tlb_shootdown.run(batch);
    for (u32 core = 0; core < cores; ++core) EXPECT_FALSE(regions[core]->reaches(frame(1))) << core;
    EXPECT_EQ(interrupts, cores - 1);
    stop = true;
    for (std::thread &thread : threads) thread.join();
}

TEST_F(TlbShootdownTest, ACoreThatHasNotJoinedIsNotAskedAndFlushesWhenItJoins) {
    tlb_shootdown.join(&*windows[0]);
    sim::cpu_of(1).tlb[0x7000] = 0x1003; // stale
    mm::ShootdownBatch batch;
    batch.add_page(Virt(0x7000));
    tlb_shootdown.run(batch); // would never return
    const sim::AsCore as(1);
    tlb_shootdown.join(&*windows[1]);
    EXPECT_TRUE(sim::cpu().tlb.empty());
}

TEST_F(TlbShootdownTest, MoreThan32PagesFlushEverythingOnce) {
    tlb_shootdown.join(&*windows[0]);
    for (u64 i = 0; i < 40; ++i) touch(i);
    mm::ShootdownBatch batch;
    for (u64 i = 0; i < 40; ++i) batch.add_page(Virt(0x7000 + i * page_size)), batch.add_frame(frame(i));
    sim::cpu().tlb[0x123000] = 0x1003;
    const u64 flushes = sim::cpu().flushes;
    tlb_shootdown.run(batch);
    EXPECT_EQ(sim::cpu().flushes, flushes + 1);
    EXPECT_TRUE(sim::cpu().tlb.empty());
    for (u64 i = 0; i < 40; ++i) EXPECT_FALSE(regions[0]->reaches(frame(i)));
}

TEST_F(TlbShootdownTest, CoresThatShootAtEachOtherAllReturnAndOneInterruptMayServeSeveral) {
    constexpr u32 rounds = 2000;
    std::vector<std::thread> threads;
    std::atomic<u32> joined{0}, finished{0};
    for (u32 core = 0; core < cores; ++core)
        threads.emplace_back([&, core] {
            sim::core = core;
            tlb_shootdown.join(&*windows[core]);
            ++joined;
            while (joined != cores) std::this_thread::yield();
            for (u32 i = 0; i < rounds; ++i) {
                mm::ShootdownBatch batch;
                batch.add_page(Virt(0x1000 * (1 + i % 50)));
                tlb_shootdown.run(batch);
            }
            ++finished;
            while (finished != cores) take_interrupt(), std::this_thread::yield();
        });
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(tlb_shootdown.rounds(), cores * rounds);
    EXPECT_LE(interrupts, cores * (cores - 1) * rounds);
}

TEST_F(TlbShootdownTest, ACoreThatWaitsForALockServesItsHoldersShootdown) {
    cpu::SpinLock lock("test", 1);
    std::atomic<bool> waiting{false};
    tlb_shootdown.join(&*windows[0]);
    lock.lock();
    std::thread other([&] {
        sim::core = 1;
        tlb_shootdown.join(&*windows[1]);
        waiting = true;
        const cpu::Guard guard(lock); // with interrupts off: only the wait itself serves
        tlb_shootdown.leave();
    });
    while (!waiting) std::this_thread::yield();
    mm::ShootdownBatch batch;
    batch.add_page(Virt(0x7000));
    tlb_shootdown.run(batch); // while holding the lock
    lock.unlock();
    other.join();
}

struct FreedFramesTest : TlbShootdownTest {
    mm::CoreWindows core_windows;
    mm::Frames<mm::CoreWindows> frames{core_windows, {mm::TlbShootdown::invalidate_frames, &tlb_shootdown}};
    mm::FramePool<mm::CoreWindows> pool{core_windows};

    FreedFramesTest() {
        for (u32 core = 0; core < cores; ++core) core_windows.attach(core, *windows[core]);
        pool.add({frame(0), 40 * page_size, 0, 0, 0}).take();
        frames.attach(0, pool);
    }
};

TEST_F(FreedFramesTest, ManyAreFreedInOneRound) {
    tlb_shootdown.join(&*windows[0]);
    std::atomic<bool> joined{false}, stop{false};
    std::thread other([&] {
        sim::core = 1;
        tlb_shootdown.join(&*windows[1]);
        joined = true;
        while (!stop) take_interrupt(), std::this_thread::yield();
    });
    while (!joined) std::this_thread::yield();
    std::vector<Phys> taken;
    {
        mm::FrameBatch batch(frames, mm::Owner::heap);
        for (u32 i = 0; i < 30; ++i) {
            taken.push_back(frames.allocate(mm::Owner::heap).take());
            static_cast<void>(windows[0]->pin(taken.back()).take());
            batch.add(taken.back());
        }
        EXPECT_EQ(frames.used(mm::Owner::heap), 30u) << "until the batch is emptied";
    }
    stop = true;
    other.join();
    EXPECT_EQ(frames.used(mm::Owner::heap), 0u);
    EXPECT_EQ(interrupts, 1u);
    for (const Phys freed : taken) EXPECT_FALSE(regions[0]->reaches(freed)) << freed.value();
}

// The window's promise, with frames going from owner to owner: a core that pins a frame sees only bytes of
// the frame's owner.
TEST_F(FreedFramesTest, FramesThatMoveBetweenCoresNeverShowAnotherOwnersBytes) {
    std::vector<std::thread> threads;
    std::atomic<u32> joined{0}, finished{0}, wrong{0}, reachable{0};
    for (u32 core = 0; core < cores; ++core)
        threads.emplace_back([&, core] {
            sim::core = core;
            tlb_shootdown.join(&*windows[core]);
            ++joined;
            while (joined != cores) std::this_thread::yield();
            for (u64 i = 0; i < 1500; ++i) {
                const Phys mine = frames.allocate(mm::Owner::heap).take();
                // No other core can reach a fresh frame, by table or by a stale translation.
                for (u32 other = 0; other < cores; ++other)
                    reachable += other != core && windows[other]->reaches(mine);
                const u64 value = i << 8 | core;
                *reinterpret_cast<volatile u64 *>(core_windows.pin(mine).take().bytes()) = value;
                take_interrupt();
                wrong += *reinterpret_cast<volatile u64 *>(core_windows.pin(mine).take().bytes()) != value;
                frames.free(mine, mm::Owner::heap);
            }
            ++finished;
            while (finished != cores) take_interrupt(), std::this_thread::yield();
        });
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(reachable, 0u);
    EXPECT_EQ(frames.used(), 0u);
}

} // namespace
