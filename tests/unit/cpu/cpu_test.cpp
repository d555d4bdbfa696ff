// tests/unit/cpu/cpu_test.cpp — cpu: the lock, interrupts off, and CPUID decoded.
#include <thread>
#include <vector>

#include "cpu/features.h"
#include "cpu/lock.h"
#include "tests/sim/cpu.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

// The misuse that the compiler's analysis would refuse.
void take(cpu::SpinLock &lock) __attribute__((no_thread_safety_analysis));
void take(cpu::SpinLock &lock) { lock.lock(); }
void release(cpu::SpinLock &lock) __attribute__((no_thread_safety_analysis));
void release(cpu::SpinLock &lock) { lock.unlock(); }
bool try_take(cpu::SpinLock &lock) __attribute__((no_thread_safety_analysis));
bool try_take(cpu::SpinLock &lock) { return lock.try_lock(); }

struct CpuTest : testing::Test {
    CpuTest() { sim::reset_cpus(); }
    ~CpuTest() override { sim::reset_cpus(), sim::on_waiting({}); }
};

TEST_F(CpuTest, ALockLetsOneCoreInAtATime) {
    cpu::SpinLock lock("test", 1);
    u64 count = 0;
    std::vector<std::thread> threads;
    for (u32 core = 0; core < 3; ++core)
        threads.emplace_back([&, core] {
            sim::core = core;
            for (u32 i = 0; i < 3000; ++i) {
                const cpu::Guard guard(lock);
                EXPECT_TRUE(lock.held_by_me());
                ++count;
            }
        });
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(count, 9000u);
    EXPECT_FALSE(lock.held_by_me());
}

TEST_F(CpuTest, TakingALockTwiceOrReleasingAnothersIsABugNotAHang) {
    cpu::SpinLock lock("test", 1);
    EXPECT_DEATH(release(lock), "released by its holder");
    take(lock);
    EXPECT_DEATH(take(lock), "does not take a lock it holds");
    EXPECT_FALSE(try_take(lock));
    {
        const sim::AsCore as(1);
        EXPECT_DEATH(release(lock), "released by its holder");
    }
    release(lock);
    EXPECT_TRUE(try_take(lock));
    release(lock);
}

TEST_F(CpuTest, WhoWaitsForALockServesMeanwhile) {
    cpu::SpinLock lock("test", 1);
    u32 served = 0;
    {
        const sim::AsCore as(1);
        take(lock);
    }
    sim::on_waiting([&] {
        if (++served < 5) return;
        const sim::AsCore as(1);
        if (lock.held_by_me()) release(lock);
    });
    take(lock);
    EXPECT_GE(served, 5u);
    release(lock);
}

TEST_F(CpuTest, LocksAreTakenInTheOrderOfTheirRanksAlone) {
    cpu::SpinLock outer("outer", 1), inner("inner", 2);
    take(outer), take(inner);
    const char *names[cpu::most_locks] = {};
    EXPECT_EQ(cpu::locks_held(0, names), 2u);
    EXPECT_STREQ(names[0], "outer");
    EXPECT_STREQ(names[1], "inner");
    EXPECT_DEATH(release(outer), "the lock taken last is released first");
    release(inner), release(outer);
    EXPECT_EQ(cpu::locks_held(0, names), 0u);
    take(inner);
    EXPECT_DEATH(take(outer), "locks are taken in their order.* inner outer");
    release(inner);
    cpu::SpinLock like_it("like inner", 2);
    take(inner);
    EXPECT_DEATH(take(like_it), "locks are taken in their order");
    release(inner);
}

TEST_F(CpuTest, ALockThatInterruptsTakeIsHeldWithInterruptsOffAlone) {
    cpu::SpinLock lock("shared", 1);
    cpu::disable_interrupts();
    take(lock), release(lock);
    {
        const cpu::InInterrupt serving;
        take(lock), release(lock);
    }
    take(lock), release(lock);
    cpu::enable_interrupts();
    EXPECT_DEATH(take(lock), "a lock that interrupts take is only held with interrupts off");
    cpu::SpinLock other("other", 1);
    take(other), release(other);
    const cpu::InInterrupt serving;
    EXPECT_DEATH(take(other), "a lock that interrupts take is only held with interrupts off");
}

TEST_F(CpuTest, InterruptsOffRestoresWhatWas) {
    cpu::enable_interrupts();
    {
        const cpu::InterruptsOff outer;
        {
            const cpu::InterruptsOff inner;
            EXPECT_FALSE(cpu::interrupts_enabled());
        }
        EXPECT_FALSE(cpu::interrupts_enabled());
    }
    EXPECT_TRUE(cpu::interrupts_enabled());
}

TEST_F(CpuTest, FeaturesComeFromTheirLeavesAndOnlyFromThoseThatExist) {
    sim::set_cpuid(0, {1, 0x68747541, 0x444D4163, 0x69746E65}); // no leaf 7
    sim::set_cpuid(1, {0, 3u << 24, 1u << 30 | 1u << 21, 0});
    sim::set_cpuid(7, {0, 1u << 7 | 1u << 20, 0, 0});
    sim::set_cpuid(0x80000000, {0x8000000A, 0, 0, 0});
    sim::set_cpuid(0x80000001, {0, 0, 1u << 2, 1u << 20 | 1u << 29});
    sim::set_cpuid(0x80000008, {48, 0, 0, 0});
    sim::set_cpuid(0x8000000A, {1, 16, 0, 1u << 0 | 1u << 3});
    cpu::Features f = cpu::Features::read();
    EXPECT_TRUE(f.amd && f.rdrand && f.x2apic && f.svm && f.long_mode && f.no_execute && f.nested_paging &&
                f.nrip_save);
    EXPECT_FALSE(f.smep || f.smap || f.decode_assists || f.rdseed);
    EXPECT_EQ(f.asid_count, 16u);
    EXPECT_EQ(f.apic_id, 3u);
    EXPECT_EQ(f.physical_address_bits, 48u);
    sim::set_cpuid(0, {7, 0x68747541, 0x444D4163, 0x69746E65});
    sim::set_cpuid(0x80000000, {0x80000001, 0, 0, 0});
    f = cpu::Features::read();
    EXPECT_TRUE(f.smep && f.smap);
    EXPECT_EQ(f.asid_count, 0u) << "the SVM leaf does not exist";
    EXPECT_EQ(f.physical_address_bits, 36u);
}

} // namespace
