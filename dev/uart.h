// dev/uart.h — a 16550 serial port, polled: the serial console.
#pragma once

#include "base/text.h"
#include "base/types.h"

namespace dev {

class Uart final {
  public:
    static constexpr u16 com1 = 0x3F8, com2 = 0x2F8, com3 = 0x3E8, com4 = 0x2E8;

    constexpr Uart() = default; // init_first() finds its port
    constexpr explicit Uart(u16 port) : port_(port) {}

    // 115,200 baud, 8 bits, no parity, FIFOs on. False when there is no port; writes are then ignored.
    bool init();
    // The same at the first of COM1 to COM4 that is there.
    bool init_first();
    u16 port() const { return port_; }
    // Waits for room in the FIFO, with a limit: a stuck or missing port does not hang the machine.
    void write(Text text);
    // Takes at most one FIFO's worth from the front of `text` if the transmitter is empty; returns how many
    // bytes it took.
    usize write_some(Text text);
    // Waits until the last byte is sent.
    void flush();
    // One received byte, if there is one.
    bool read(u8 &byte);

  private:
    bool status(u8 bit) const;
    bool wait_for(u8 bit) const;
    usize fill(Text text); // as much as an empty FIFO holds
    u16 port_ = 0;
    bool present_ = false;
};

} // namespace dev
