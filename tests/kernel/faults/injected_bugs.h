// tests/kernel/faults/injected_bugs.h — bugs that the option inject=NAME, or inject=NAME@CORE, makes the
// kernel commit, so that tests see how each is reported: tests/qemu/injected_bugs.py has what the report must
// say.
#pragma once

#include "base/text.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

// One list for each theme, in a file of its own: tests/kernel/faults/bugs_*.cpp.
using BugList = Span<const Test>;
extern const BugList heap_bugs, free_bugs, pointer_bugs, stack_bugs, frame_bugs, lock_bugs, error_bugs,
    guest_bugs, panic_bugs, stuck_bugs;

} // namespace kernel
