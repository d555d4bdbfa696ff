// stage2/clock.cpp — see clock.h.
#include "stage2/clock.h"

#include "cpu/ops.h"
#include "dev/pit.h"

namespace stage2 {

namespace {
constexpr u16 any_port = 0x61;
}

// Firmware (SMI) or a host can take the processor away, which only lengthens a wait: the shortest one is the
// best measurement.
Clock Clock::measure() {
    constexpr u32 tries = 5, milliseconds = 2;
    u64 least = ~0ul;
    for (u32 i = 0; i < tries; ++i) {
        const u64 before = cpu::read_tsc();
        if (!dev::pit_wait(milliseconds)) return Clock(0);
        least = min(least, cpu::read_tsc() - before);
    }
    return Clock(least * (1000 / milliseconds));
}

void Clock::wait(u32 milliseconds) const {
    const u64 end = cpu::read_tsc() + tsc_hz_ / 1000 * milliseconds;
    for (u32 reads = 0; tsc_hz_ != 0 ? cpu::read_tsc() < end : reads < 1000 * milliseconds; ++reads)
        cpu::in8(any_port);
}

} // namespace stage2
