// tests/unit/dev/fault_injection_test.cpp — a device that disappears at each of its port accesses in
// turn: the driver stops waiting in time, and works again when the device is back.
#include <string>

#include "dev/pit.h"
#include "dev/uart.h"
#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

// A fast COM1 and channel 2 of the PIT. While the device is away, reads give all ones, as from an empty bus,
// or zeros, as from a bridge that is stuck.
class Devices {
  public:
    explicit Devices(u8 silence) : silence_(silence) {
        sim::reset_cpus();
        sim::on_port_read([this](u16 port, u32) -> u32 { return here() ? read(port) : silence_; });
        sim::on_port_write([this](u16 port, u32, u32 value) {
            if (here()) write(port, static_cast<u8>(value));
        });
    }
    ~Devices() { sim::reset_cpus(); }

    void leave_after(u64 accesses) { left_ = accesses, away_ = false, accesses_ = 0; }
    void come_back() { leave_after(~0ul); }
    u64 accesses() const { return accesses_; }
    std::string wire;

  private:
    static constexpr u16 line_control = dev::Uart::com1 + 3, line_status = dev::Uart::com1 + 5,
                         scratch = dev::Uart::com1 + 7, pit_control = 0x61;
    bool here() {
        ++accesses_;
        if (left_ == 0)
            away_ = true;
        else
            --left_;
        return !away_;
    }
    u32 read(u16 port) {
        if (port == line_status) return 0x60;
        if (port == scratch) return scratch_;
        if (port == pit_control) return gate_ | (looks_++ > 3 ? 0x20u : 0u);
        return 0;
    }
    void write(u16 port, u8 value) {
        if (port == scratch) scratch_ = value;
        if (port == line_control) latch_ = (value & 0x80) != 0;
        if (port == dev::Uart::com1 && !latch_) wire += static_cast<char>(value);
        if (port == pit_control) gate_ = value & 0x0F, looks_ = 0;
    }

    u8 silence_, scratch_ = 0, gate_ = 0;
    u32 looks_ = 0;
    bool latch_ = false, away_ = false;
    u64 left_ = ~0ul, accesses_ = 0;
};

const std::string line = "a line of more than sixteen bytes, which is what a FIFO takes";

bool use_all() {
    dev::Uart uart(dev::Uart::com1);
    const bool present = uart.init();
    uart.write({line.data(), line.size()});
    u8 byte = 0;
    static_cast<void>(uart.read(byte));
    return dev::pit_wait(10) && present;
}

TEST(EveryFailureOfADevice, EndsInTimeAndTheDeviceWorksWhenItIsBack) {
    constexpr u64 patience = 2'500'000; // accesses: the longest wait of a driver, and some more
    u64 points = 0;
    for (const u8 silence : {u8{0xFF}, u8{0x00}}) {
        Devices devices(silence);
        ASSERT_TRUE(use_all());
        ASSERT_EQ(devices.wire, line);
        const u64 accesses = devices.accesses();
        for (u64 n = 0; n < accesses; ++n, ++points) {
            devices.wire.clear();
            devices.leave_after(n);
            static_cast<void>(use_all());
            EXPECT_LT(devices.accesses(), patience) << n;
            EXPECT_EQ(line.rfind(devices.wire, 0), 0u) << "what came was in order, " << n;
            devices.wire.clear();
            devices.come_back();
            EXPECT_TRUE(use_all()) << n;
            EXPECT_EQ(devices.wire, line) << n;
        }
    }
    sim::record_figure(std::to_string(points) + " points that failed once");
}

} // namespace
