// stage2/clock.cpp — see clock.h.
#include "stage2/clock.h"

#include "cpu/ops.h"
#include "dev/pit.h"

namespace stage2 {

namespace {
constexpr u16 any_port = 0x61;
}

Clock Clock::measure() {
    const u64 before = cpu::read_tsc();
    return Clock(dev::pit_wait(10) ? (cpu::read_tsc() - before) * 100 : 0);
}

void Clock::wait(u32 milliseconds) const {
    const u64 end = cpu::read_tsc() + tsc_hz_ / 1000 * milliseconds;
    for (u32 reads = 0; tsc_hz_ != 0 ? cpu::read_tsc() < end : reads < 1000 * milliseconds; ++reads)
        cpu::in8(any_port);
}

} // namespace stage2
