// dev/uart.cpp — see uart.h. Register names as in the PC16550D data sheet, section 8 "Registers".
#include "dev/uart.h"

#include "cpu/ops.h"

namespace dev {

namespace {
constexpr u16 data = 0, interrupt_enable = 1, fifo_control = 2, line_control = 3, modem_control = 4,
              line_status = 5, scratch = 7;
constexpr u8 divisor_latch = 0x80, eight_bits = 0x03, fifo_on_and_emptied = 0xC7, ready_terminal = 0x03;
constexpr u8 received = 0x01, holding_empty = 0x20, all_sent = 0x40;
constexpr usize fifo_bytes = 16;
// At 115,200 baud sixteen bytes take 1.4 ms; a port access takes about a microsecond on real machines.
constexpr u32 patience = 100'000;
} // namespace

bool Uart::init() {
    cpu::out8(port_ + scratch, 0x5A);
    present_ = cpu::in8(port_ + scratch) == 0x5A;
    if (!present_) return false;
    flush(); // what the program before wrote: the reset of the FIFOs would lose it
    cpu::out8(port_ + interrupt_enable, 0);
    cpu::out8(port_ + line_control, divisor_latch);
    cpu::out8(port_ + data, 1);
    cpu::out8(port_ + interrupt_enable, 0);
    cpu::out8(port_ + line_control, eight_bits);
    cpu::out8(port_ + fifo_control, fifo_on_and_emptied);
    cpu::out8(port_ + modem_control, ready_terminal);
    return true;
}

bool Uart::init_first() {
    for (const u16 port : {com1, com2, com3, com4}) {
        port_ = port;
        if (init()) return true;
    }
    port_ = com1;
    return false;
}

bool Uart::status(u8 bit) const { return (cpu::in8(port_ + line_status) & bit) != 0; }

bool Uart::wait_for(u8 bit) const {
    u32 left = patience;
    while (left != 0 && !status(bit)) --left;
    return left != 0;
}

void Uart::flush() {
    if (present_) static_cast<void>(wait_for(all_sent)); // a port that is stuck sends nothing: go on
}

usize Uart::fill(Text text) {
    const usize count = min(text.size(), fifo_bytes);
    for (usize i = 0; i < count; ++i) cpu::out8(port_ + data, static_cast<u8>(text[i]));
    return count;
}

void Uart::write(Text text) {
    while (present_ && !text.empty() && wait_for(holding_empty)) text = text.from(fill(text));
}

usize Uart::write_some(Text text) {
    if (!present_) return text.size();
    return status(holding_empty) ? fill(text) : 0;
}

bool Uart::read(u8 &byte) {
    if (!present_ || !status(received)) return false;
    byte = cpu::in8(port_ + data);
    return true;
}

} // namespace dev
