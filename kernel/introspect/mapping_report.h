// kernel/introspect/mapping_report.h — the mapping report: every mapped page of the kernel and of a machine
// with its owner, as lines for people and for `build.py maps`.
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

} // namespace kernel
