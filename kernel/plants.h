// kernel/plants.h — failures planted on request (the option plant=NAME), so that tests can see how each one
// is told.
#pragma once

#include "base/text.h"
#include "kernel/tests.h"

namespace kernel {

// Does what NAME says; returns only when that fails to fail, or when there is no such plant.
rstate::Result<> plant(Text name, const TestContext &context);

} // namespace kernel
