// kernel/introspect/memory_report.h — who has which memory, as lines for people and for `build.py maps`.
#pragma once

#include "kernel/world.h"

namespace kernel {

// Every run of pages that the kernel's tables map, then those of the machine's nested tables; no other core
// may be changing them meanwhile.
//
//   map host VIRTUAL PHYSICAL PAGES up|down r-x wb OWNER what made at
//   map nested GUEST-PHYSICAL PHYSICAL PAGES up|down rwx wb OWNER
//
// PHYSICAL is the first page's; the frames of the next ones lie upwards or downwards of it.
rstate::Result<> list_mappings(const Machine &machine);

// The core whose window holds `address`, or max_cores.
u32 window_at(u64 address);

// Frames by owner, then the heap's live blocks by the place that made them, largest first.
rstate::Result<> list_memory();

// Of these blocks the ones made when the address space had made so many ranges, or later.
rstate::Result<> list_blocks_since(u32 ranges_made);

} // namespace kernel
