// stage2/memory_split.h — free memory divided among the cores: equal shares, each from the core's own NUMA
// node where that is possible.
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

// A smaller range is not worth its frame of bookkeeping (chosen).
constexpr u64 minimum_piece = 16 * page_size;

// Divides `map` among topology.cores[0..shares.size()). The cores of a node share its memory; memory of a
// node without cores counts as memory of core 0's node. Left out are pieces below minimum_piece and, where a
// node has more pieces than its cores can hold, the smallest ones. Returns how many bytes are left out.
u64 split_memory(const boot::MemoryMap &map, const boot::Topology &topology, Span<Share> shares);

constexpr u64 usual_handover_page = 0x8000;

// The page at which cores start: the usual one, or, where that is not usable, the highest usable one below
// `end` that is in none of the ranges in use. Never page 0: 0 is returned when there is none.
u64 choose_handover_page(const boot::MemoryMap &map, Span<const boot::Range> used, u64 end);

} // namespace stage2
