// tests/kernel/bench/bench.h — benchmarks that run in the kernel: under QEMU's -icount shift=0 the time stamp
// counts instructions.
#pragma once

#include "tests/kernel/unit/test.h"

namespace kernel {

// Writes one figure as a record, with what it is compared with.
void record(Text name, u64 value, Text unit, Text compared_with);
// tests/kernel/bench/bench_errors.cpp
rstate::Result<> error_costs();

} // namespace kernel
