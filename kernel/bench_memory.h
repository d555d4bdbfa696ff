// kernel/bench_memory.h — what the window costs beside a linear map of the same frames, in one run.
#pragma once

#include "rstate/result.h"

namespace kernel {

rstate::Result<> compare_with_linear_map();

} // namespace kernel
