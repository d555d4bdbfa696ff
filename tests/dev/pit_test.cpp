// tests/dev/pit_test.cpp — waiting by the PIT: the count it is given, and machines without one.
#include "dev/pit.h"

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
            if (port == 0x61) control = value;
        });
        sim::on_port_read([this](u16 port, u32) -> u32 {
            if (port != 0x61) return 0;
            return control | (++seen_ > looks_ ? 0x20u : 0u);
        });
    }
    ~FakePit() { sim::reset_cpus(); }
    u32 count = 0, control = 0x0E;

  private:
    u32 looks_, seen_ = 0;
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

TEST(Pit, AnAbsentOneIsSeenAtOnce) {
    FakePit pit(0); // the output is high before it can be: an empty bus reads as ones
    EXPECT_FALSE(dev::pit_wait(10));
}

TEST(Pit, OneThatNeverEndsIsGivenUp) {
    FakePit pit(~0u);
    EXPECT_FALSE(dev::pit_wait(10));
}

} // namespace
