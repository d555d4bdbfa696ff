// tests/kernel/codes.h — the error code of tests that run in the kernel; docs/errors.md has its meaning.
#pragma once

#include "rstate/site.h"

namespace kernel {

inline constexpr rstate::Code test_failed{"kernel.test_failed"};

} // namespace kernel
