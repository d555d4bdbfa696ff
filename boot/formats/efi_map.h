// boot/formats/efi_map.h — UEFI's memory map in the words of INT 15h AX=E820h.
#pragma once

#include "base/span.h"
#include "boot/contract/handoff.h"

namespace boot {

// Converts what GetMemoryMap gave, after ExitBootServices: `raw` holds descriptors of `descriptor_bytes` each
// (firmware may use longer ones than the specification). Neighbours of one type become one entry. Returns
// how many entries there are; one more than there is room for when they do not fit, which boot::read_pvh
// refuses as too many; 0 when they make no sense.
u32 convert_efi_map(Bytes raw, u64 descriptor_bytes, Span<MapEntry> entries);

} // namespace boot
