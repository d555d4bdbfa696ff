// stage2/devices.h — switches off what the firmware left running and nothing here uses: bus masters,
// interrupt lines, the HPET.
#pragma once

#include "boot/formats/acpi.h"
#include "boot/formats/memory_map.h"

namespace stage2 {

// Before memory is shared out: a network card that still receives would write into it.
void stop_devices();
// Before interrupts are on. An address that a table names is not touched where the map has memory, nor behind
// what the page tables reach.
void mask_interrupts(const boot::Topology &topology, const boot::MemoryMap &map, u64 reachable);

} // namespace stage2
