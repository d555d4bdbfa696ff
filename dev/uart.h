// dev/uart.h — a 16550 serial port, polled: the console of a machine without a screen.
#pragma once

#include "base/text.h"
#include "base/types.h"

namespace dev {

class Uart final {
  public:
    static constexpr u16 com1 = 0x3F8;

    constexpr explicit Uart(u16 port) : port_(port) {}

    // 115,200 baud, 8 bits, no parity, FIFOs on. False when nothing answers there; writes then go nowhere.
    bool init();
    // Waits for room; gives up on a port that is stuck, so that a missing one cannot hang the machine.
    void write(Text text);
    // Takes at most one FIFO's worth from the front of `text` if the transmitter is empty; returns how many
    // bytes it took.
    usize write_some(Text text);
    // Waits until the last byte has left: `init` would drop it.
    void flush();
    // One received byte, if there is one.
    bool read(u8 &byte);

  private:
    bool status(u8 bit) const;
    bool wait_for(u8 bit) const;
    usize fill(Text text); // what an empty FIFO takes
    u16 port_;
    bool present_ = false;
};

} // namespace dev
