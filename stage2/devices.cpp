// stage2/devices.cpp — see devices.h.
#include "stage2/devices.h"

#include "base/log.h"
#include "dev/io_apic.h"
#include "dev/pci.h"

namespace stage2 {

namespace {

// IA-PC HPET Specification 1.0a §2.3.5 "General Configuration Register": bit 0 enables the counter and all of
// its timers' interrupts, bit 1 routes them as the PIT's and the clock's.
constexpr u64 hpet_configuration = 0x10;
constexpr u32 hpet_enable = 3;

volatile u32 *registers_at(u64 physical, const boot::MemoryMap &map, u64 reachable) {
    const u64 page = align_down(physical, page_size);
    if (physical == 0 || page > reachable - page_size || map.contains(page, page_size)) return nullptr;
    return reinterpret_cast<volatile u32 *>(physical);
}

} // namespace

void mask_interrupts(const boot::Topology &topology, const boot::MemoryMap &map, u64 reachable) {
    for (u32 i = 0; i < topology.io_apic_count; ++i)
        dev::IoApic(registers_at(topology.io_apics[i], map, reachable)).mask_all();
    if (volatile u32 *const hpet = registers_at(topology.hpet, map, reachable)) {
        volatile u32 &configuration = hpet[hpet_configuration / sizeof(u32)];
        configuration = configuration & ~hpet_enable;
    }
}

void stop_devices() {
    const u32 stopped = dev::stop_bus_masters();
    if (stopped != 0) LOG(stage2, "{} devices could write to memory: stopped", stopped);
}

} // namespace stage2
