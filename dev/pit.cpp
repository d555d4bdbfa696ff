// dev/pit.cpp — see pit.h. Channel 2's gate and output are bits 0 and 5 of port 61h.
#include "dev/pit.h"

#include "cpu/ops.h"

namespace dev {

namespace {
constexpr u16 channel2 = 0x42, mode = 0x43, control = 0x61;
constexpr u32 hertz = 1'193'182;
constexpr u8 channel2_both_bytes_mode0 = 0xB0;
constexpr u8 gate = 0x01, speaker = 0x02, writable = 0x0F, output = 0x20;
// Without a timer the machine must not hang; a port read takes about a microsecond on real machines.
constexpr u32 patience = 2'000'000;
} // namespace

bool pit_wait(u32 milliseconds) {
    const u32 count = hertz / 1000 * min(milliseconds, 50u);
    const u8 before = cpu::in8(control) & writable;
    cpu::out8(control, static_cast<u8>((before & ~(speaker | gate)) | gate));
    cpu::out8(mode, channel2_both_bytes_mode0);
    cpu::out8(channel2, static_cast<u8>(count));
    cpu::out8(channel2, static_cast<u8>(count >> 8));
    bool ended = false;
    if ((cpu::in8(control) & output) == 0) // set already: there is no PIT
        for (u32 tries = 0; tries < patience && !ended; ++tries) ended = (cpu::in8(control) & output) != 0;
    cpu::out8(control, before);
    return ended;
}

} // namespace dev
