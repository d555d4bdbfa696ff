// dev/reset.cpp — see dev/reset.h.
#include "dev/reset.h"

#include "cpu/ops.h"

namespace dev {

namespace {
// Port CF9h, the reset control register of every chipset since the PIIX3: bit 1 selects a hard reset, a
// rising bit 2 starts it.
constexpr u16 reset_control = 0xCF9;
constexpr u8 hard = 0x02, hard_now = 0x06;
constexpr u16 keyboard_command = 0x64;
constexpr u8 pulse_reset_line = 0xFE;
constexpr u32 patience = 1'000'000; // reads of a port, about a microsecond each

void wait_for_reset() {
    for (u32 i = 0; i < patience; ++i) static_cast<void>(cpu::in8(keyboard_command));
}
} // namespace

void reset_machine() {
    cpu::out8(reset_control, hard);
    cpu::out8(reset_control, hard_now);
    wait_for_reset();
    cpu::out8(keyboard_command, pulse_reset_line);
    wait_for_reset();
}

} // namespace dev
