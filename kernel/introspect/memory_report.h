// kernel/introspect/memory_report.h — the memory report: frames and heap blocks in use, with their owners.
#pragma once

#include "rstate/result.h"

namespace kernel {

// Prints the frames in use by owner, then the live heap blocks by the line that allocated them, largest
// first.
rstate::Result<> report_memory();

// Prints those of these blocks whose range is the `ranges_made`-th of the address space or a later one.
rstate::Result<> report_blocks_since(u32 ranges_made);

} // namespace kernel
