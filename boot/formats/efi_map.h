// boot/formats/efi_map.h — converts UEFI's memory map into E820 entries.
#pragma once

#include "base/span.h"
#include "boot/contract/handoff.h"

namespace boot {

// Converts GetMemoryMap's result, after ExitBootServices: `raw` holds descriptors of `descriptor_bytes` each
// (firmware may use longer ones than the specification). Adjacent ranges of one type become one entry.
// Returns the number of entries; entries.size() + 1 when they do not fit, which boot::read_pvh refuses as too
// many; 0 when `raw` is invalid.
u32 convert_efi_map(Bytes raw, u64 descriptor_bytes, Span<MapEntry> entries);

} // namespace boot
