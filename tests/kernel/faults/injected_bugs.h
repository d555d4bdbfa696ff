// tests/kernel/faults/injected_bugs.h — bugs planted on request (the option plant=NAME, or plant=NAME@CORE),
// so that tests can see how each one is told: tests/qemu/injected_bugs.py has what must be said of each.
#pragma once

#include "base/text.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

// By theme, one file each: kernel/plants_*.cpp.
using Plants = Span<const Test>;
extern const Plants heap_plants, free_plants, pointer_plants, stack_plants, frame_plants, lock_plants,
    error_plants, guest_plants, panic_plants, stuck_plants;

// Does what NAME says; returns only when that fails to fail, or when there is no such plant.
rstate::Result<> plant(Text name, const TestContext &context);

} // namespace kernel
