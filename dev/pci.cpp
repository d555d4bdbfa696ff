// dev/pci.cpp — see pci.h. Every bus is searched: the roots of a large machine are listed by ACPI's code
// alone, which nothing here can run.
#include "dev/pci.h"

#include "base/bits.h"
#include "cpu/ops.h"

namespace dev {

namespace {

constexpr u16 address_port = 0xCF8, data_port = 0xCFC;
constexpr u32 buses = 256, devices = 32, functions = 8;
// Offsets and fields of the header: PCI Local Bus Specification 3.0 §6.1 "Configuration Space Organization".
constexpr u32 identity = 0x00, command = 0x04, class_code = 0x08, header_type = 0x0C;
using BusMasterEnable = Bits<2>;
using BaseClass = Bits<31, 24>;
using MultiFunction = Bits<23>; // of the double word with the header type
constexpr u32 display = 0x03, bridge = 0x06;

void select(u32 bus, u32 device, u32 function, u32 offset) {
    cpu::out32(address_port, 1u << 31 | bus << 16 | device << 11 | function << 8 | offset);
}

u32 read(u32 bus, u32 device, u32 function, u32 offset) {
    select(bus, device, function, offset);
    return cpu::in32(data_port);
}

// Bridges pass on what the devices behind them send, and each of these is stopped by itself. A display
// controller that shows the firmware's framebuffer from main memory must go on reading it.
bool stop(u32 bus, u32 device, u32 function) {
    const u64 kind = BaseClass::get(read(bus, device, function, class_code));
    const u32 now = read(bus, device, function, command);
    if (kind == bridge || kind == display || !BusMasterEnable::test(now)) return false;
    // Sixteen bits: the status register above clears the bits that are written as ones.
    select(bus, device, function, command);
    cpu::out16(data_port, static_cast<u16>(now & ~BusMasterEnable::mask));
    return true;
}

} // namespace

u32 stop_bus_masters() {
    u32 stopped = 0;
    for (u32 slot = 0; slot < buses * devices; ++slot) {
        const u32 bus = slot / devices, device = slot % devices;
        if (read(bus, device, 0, identity) == ~0u) continue;
        const u32 count = MultiFunction::test(read(bus, device, 0, header_type)) ? functions : 1;
        for (u32 function = 0; function < count; ++function)
            if (read(bus, device, function, identity) != ~0u) stopped += stop(bus, device, function);
    }
    return stopped;
}

} // namespace dev
