// tests/kernel/bench/bench.h — what we spend, counted on the machine: under QEMU's -icount shift=0 a time
// stamp is an instruction.
#pragma once

#include "tests/kernel/unit/test.h"

namespace kernel {

// One figure, beside what it is compared with.
void record(Text name, u64 value, Text unit, Text compared_with);
// tests/kernel/bench/bench_errors.cpp
rstate::Result<> error_costs();

} // namespace kernel
