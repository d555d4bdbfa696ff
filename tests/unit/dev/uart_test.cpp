// tests/unit/dev/uart_test.cpp — the serial port: the bytes that it sends, and machines without one.
#include "dev/uart.h"

#include <string>

#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

constexpr u16 com1 = dev::Uart::com1;

// A 16550 as seen through its eight ports; it takes sixteen bytes at a time and then is busy for `slowness`
// looks.
class FakeUart {
  public:
    explicit FakeUart(u32 slowness = 0, u16 base = com1) : slowness_(slowness), base_(base) {
        sim::reset_cpus();
        sim::on_port_write(
            [this](u16 port, u32 width, u32 value) { write(port, width, static_cast<u8>(value)); });
        sim::on_port_read([this](u16 port, u32) { return read(port); });
    }
    ~FakeUart() { sim::reset_cpus(); }

    std::string wire;
    std::string arriving;
    u32 divisor = 0, lost = 0;
    u32 unsent() const { return in_fifo_; }

  private:
    void write(u16 port, u32 width, u8 value) {
        ASSERT_EQ(width, 1u);
        if (port < base_ || port >= base_ + 8) return; // no device there
        const u16 offset = port - base_;
        registers_[offset] = value;
        if (offset == 2 && (value & 4) != 0) lost += in_fifo_, in_fifo_ = 0;
        const bool latch = (registers_[3] & 0x80) != 0;
        if (offset == 0 && latch) divisor = value;
        if (offset != 0 || latch) return;
        if (in_fifo_ == 16)
            ++lost;
        else
            wire += static_cast<char>(value), ++in_fifo_, busy_ = slowness_;
    }
    u32 read(u16 port) {
        if (port < base_ || port >= base_ + 8) return 0xFF; // no device there
        if (port == base_ && !arriving.empty()) {
            const char c = arriving.front();
            arriving.erase(0, 1);
            return static_cast<u8>(c);
        }
        if (port != base_ + 5) return registers_[port - base_];
        if (busy_ != 0) --busy_;
        if (busy_ == 0) in_fifo_ = 0;
        return (busy_ == 0 ? 0x60u : 0u) | (arriving.empty() ? 0u : 1u);
    }
    u8 registers_[8] = {};
    u32 slowness_, busy_ = 0, in_fifo_ = 0;
    u16 base_;
};

TEST(Uart, TheFirstPortThatIsThereIsTaken) {
    for (const u16 base : {com1, dev::Uart::com2, dev::Uart::com3, dev::Uart::com4}) {
        FakeUart fake(0, base);
        dev::Uart uart;
        EXPECT_TRUE(uart.init_first());
        EXPECT_EQ(uart.port(), base);
        uart.write("text");
        EXPECT_EQ(fake.wire, "text");
    }
    FakeUart elsewhere(0, 0x220);
    dev::Uart uart;
    EXPECT_FALSE(uart.init_first());
    EXPECT_EQ(uart.port(), com1);
    EXPECT_EQ(uart.write_some("lost"), 4u);
}

TEST(Uart, IsSetTo115200BaudEightBits) {
    FakeUart fake;
    dev::Uart uart(com1);
    EXPECT_TRUE(uart.init());
    EXPECT_EQ(fake.divisor, 1u);
    EXPECT_EQ(fake.wire, "");
}

TEST(Uart, WritesEveryByteInOrderHoweverSlowTheWireIs) {
    std::string text;
    for (u32 i = 0; i < 1000; ++i) text += static_cast<char>('a' + i % 26);
    for (const u32 slowness : {0u, 1u, 500u}) {
        FakeUart fake(slowness);
        dev::Uart uart(com1);
        ASSERT_TRUE(uart.init());
        uart.write({text.data(), text.size()});
        EXPECT_EQ(fake.wire, text);
        EXPECT_EQ(fake.lost, 0u) << "no byte into a full FIFO";
    }
}

TEST(Uart, TheOutputOfTheProgramBeforeIsSentBeforeTheFifoIsReset) {
    FakeUart fake(100);
    dev::Uart before(com1), after(com1);
    ASSERT_TRUE(before.init());
    before.write("last line\r\n");
    ASSERT_TRUE(after.init());
    EXPECT_EQ(fake.lost, 0u);
}

TEST(Uart, WriteSomeTakesOneFifoAndNothingWhileItIsFull) {
    FakeUart fake(3);
    dev::Uart uart(com1);
    ASSERT_TRUE(uart.init());
    const std::string text(40, 'x');
    EXPECT_EQ(uart.write_some({text.data(), text.size()}), 16u);
    EXPECT_EQ(uart.write_some({text.data(), text.size()}), 0u);
    EXPECT_EQ(uart.write_some({text.data(), 5}), 0u);
    EXPECT_EQ(uart.write_some({text.data(), 5}), 5u);
    EXPECT_EQ(fake.wire.size(), 21u);
}

TEST(Uart, FlushingWaitsUntilTheLastByteHasLeft) {
    FakeUart fake(40);
    dev::Uart uart(com1);
    ASSERT_TRUE(uart.init());
    uart.write("bye");
    EXPECT_NE(fake.unsent(), 0u);
    uart.flush();
    EXPECT_EQ(fake.unsent(), 0u);
    sim::on_port_read([](u16, u32) { return 0u; });
    uart.flush(); // returns even when the port is stuck
}

TEST(Uart, ReadsWhatArrives) {
    FakeUart fake;
    dev::Uart uart(com1);
    ASSERT_TRUE(uart.init());
    u8 byte = 0;
    EXPECT_FALSE(uart.read(byte));
    fake.arriving = "q";
    EXPECT_TRUE(uart.read(byte));
    EXPECT_EQ(byte, 'q');
    EXPECT_FALSE(uart.read(byte));
}

TEST(Uart, AMissingPortTakesNothingAndDoesNotHang) {
    sim::reset_cpus();
    u64 reads = 0;
    sim::on_port_read([&](u16, u32) { return ++reads, 0xFFu; }); // what an empty bus gives
    dev::Uart uart(com1);
    EXPECT_FALSE(uart.init());
    uart.write("lost");
    u8 byte = 0;
    EXPECT_FALSE(uart.read(byte));
    EXPECT_EQ(uart.write_some("lost"), 4u);
    EXPECT_LE(reads, 2u);
    sim::reset_cpus();
}

TEST(Uart, WaitingForAStuckPortEnds) {
    FakeUart fake;
    dev::Uart uart(com1);
    ASSERT_TRUE(uart.init());
    sim::on_port_read([](u16 port, u32) { return port == com1 + 7 ? 0x5Au : 0u; }); // never empty again
    uart.write("this returns");
    EXPECT_TRUE(uart.init()) << "and so does this";
    EXPECT_EQ(fake.wire, "");
}

} // namespace
