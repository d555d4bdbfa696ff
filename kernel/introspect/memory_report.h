// kernel/introspect/memory_report.h — the memory report: mappings, frames and heap blocks with their owners,
// as lines for people and for `build.py maps`.
#pragma once

#include "kernel/world.h"

namespace kernel {

// Prints every run of pages that the kernel's tables map, then those of the machine's nested tables. No other
// core may change these tables meanwhile.
//
//   map host VIRTUAL PHYSICAL PAGES up|down r-x wb OWNER what made at
//   map nested GUEST-PHYSICAL PHYSICAL PAGES up|down rwx wb OWNER
//
// PHYSICAL is the first page's address; the frames of the next pages lie upwards or downwards of it.
rstate::Result<> report_mappings(const Machine &machine);

// The core whose window contains `address`, or max_cores.
u32 window_at(u64 address);

// Prints the frames in use by owner, then the live heap blocks by the line that allocated them, largest
// first.
rstate::Result<> report_memory();

// Prints those of these blocks whose range is the `ranges_made`-th of the address space or a later one.
rstate::Result<> report_blocks_since(u32 ranges_made);

} // namespace kernel
