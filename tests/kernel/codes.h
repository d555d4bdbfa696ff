// tests/kernel/codes.h — what a test inside the kernel fails with; docs/errors.md has the meaning.
#pragma once

#include "rstate/site.h"

namespace kernel {

inline constexpr rstate::Code test_failed{"kernel.test_failed"};

} // namespace kernel
