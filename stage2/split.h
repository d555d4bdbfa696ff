// stage2/split.h — free memory divided among the cores: fair shares, each from the core's own node where it
// can be.
#pragma once

#include "base/span.h"
#include "boot/formats/acpi.h"
#include "boot/formats/memory_map.h"
#include "mm/bootstrap.h"

namespace stage2 {

struct Share {
    mm::PhysRange ranges[mm::max_seed_ranges];
    u32 count = 0;
    u64 bytes = 0;
};

// Divides `map` among topology.cores[0..shares.size()). Memory of a node without cores goes to core 0's node.
// Crumbs that are not worth their bookkeeping, and pieces beyond max_seed_ranges, are left out; returns how
// many bytes.
u64 split_memory(const boot::MemoryMap &map, const boot::Topology &topology, Span<Share> shares);

} // namespace stage2
