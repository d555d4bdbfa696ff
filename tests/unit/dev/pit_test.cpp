// tests/unit/dev/pit_test.cpp — waiting by the PIT: the count it is given, and machines without one.
#include "dev/pit.h"

#include "stage2/clock.h"
#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

// Channel 2 as ports 42h, 43h and 61h show it: its output rises after `looks` reads of port 61h.
class FakePit {
  public:
    explicit FakePit(u32 looks) : looks_(looks) {
        sim::reset_cpus();
        sim::on_port_write([this](u16 port, u32, u32 value) {
            if (port == 0x42) count = count >> 8 | value << 8;
            if (port == 0x43) looked_ = 0, ++waits;
            if (port == 0x61) control = value; // all of it: what may not be written stays and shows
        });
        sim::on_port_read([this](u16 port, u32) -> u32 {
            if (port != 0x61) return 0;
            ++seen;
            sim::cpu().tsc += 1000;
            if (waits == held_up_in && looked_ == 0) sim::cpu().tsc += 10'000'000;
            return control | (++looked_ > looks_ ? 0x20u : 0u);
        });
    }
    ~FakePit() { sim::reset_cpus(); }
    u32 count = 0, control = 0x0E, seen = 0;
    u32 waits = 0, held_up_in = 0; // the number of the wait in which the processor is taken away

  private:
    u32 looked_ = 0;
    u32 looks_;
};

TEST(Pit, CountsTheMillisecondsThatWereAsked) {
    FakePit pit(10);
    EXPECT_TRUE(dev::pit_wait(10));
    EXPECT_NEAR(pit.count, 11932, 20);
    EXPECT_EQ(pit.control, 0x0Eu) << "the gate and the speaker are as they were";
}

TEST(Pit, MoreThanItsSixteenBitsHoldIsCutToWhatFits) {
    FakePit pit(10);
    EXPECT_TRUE(dev::pit_wait(1000));
    EXPECT_NEAR(pit.count, 59659, 60);
}

TEST(Pit, AnAbsentPitIsDetectedAtOnce) {
    FakePit pit(0); // the output is high before it can be: an empty bus reads as ones
    EXPECT_FALSE(dev::pit_wait(10));
}

TEST(Pit, APitThatNeverEndsIsAbortedAndRestored) {
    FakePit pit(~0u);
    EXPECT_FALSE(dev::pit_wait(10));
    EXPECT_EQ(pit.control, 0x0Eu);
}

TEST(Clock, WaitsByTheTimeStampCounterThatThePitMeasured) {
    FakePit pit(10);
    const stage2::Clock clock = stage2::Clock::measure();
    EXPECT_NE(clock.tsc_hz(), 0u);
    const u64 before = sim::cpu().tsc;
    clock.wait(200);
    EXPECT_GE(sim::cpu().tsc - before, clock.tsc_hz() / 5);
}

u64 measured(u32 held_up_in) {
    FakePit pit(10);
    pit.held_up_in = held_up_in;
    return stage2::Clock::measure().tsc_hz();
}

TEST(Clock, AnInterruptedMeasurementDoesNotRaiseTheRate) {
    for (u32 wait = 1; wait <= 5; ++wait) EXPECT_EQ(measured(wait), measured(0)) << wait;
}

// A core that does not start is waited for in 200 steps of a millisecond: each must not be the PIT's patience
// anew.
TEST(Clock, WithoutAPitThatEndsAWaitIsNoLongerThanItsPortReads) {
    FakePit pit(~0u);
    const stage2::Clock clock = stage2::Clock::measure();
    EXPECT_EQ(clock.tsc_hz(), 0u);
    const u32 before = pit.seen;
    for (u32 i = 0; i < 200; ++i) clock.wait(1);
    EXPECT_EQ(pit.seen - before, 200'000u);
}

} // namespace
