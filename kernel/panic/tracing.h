// kernel/panic/tracing.h — prints the cores' trace records: for `build.py trace`, and at the end of a panic.
#pragma once

#include "base/types.h"

namespace kernel {

// Prints the last records of every core, oldest first, each core's after a line that counts them:
//
//   trace: core 0 has 512 of 91822 records, 2000000000 ticks a second
//   trace 0 18237182 E guest exit_code 0x81 rip 0x47f0b7
void dump_traces(u64 most_of_each);

} // namespace kernel
