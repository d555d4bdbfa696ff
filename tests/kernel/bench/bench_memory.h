// tests/kernel/bench/bench_memory.h — compares the cost of the window with that of a linear map of the same
// frames, in one run.
#pragma once

#include "boot/formats/bundle.h"
#include "rstate/result.h"
#include "svm/core.h"

namespace kernel {

// compare_with_linear_map: page walks, copies and frees. compare_cases: a whole case of the bundle's target
// in a virtual machine of either kind.
rstate::Result<> compare_with_linear_map();
rstate::Result<> compare_cases(svm::Core &core, const boot::Bundle &bundle);

} // namespace kernel
