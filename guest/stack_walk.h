// guest/stack_walk.h — the target's call stack, read from its memory: frame pointers first, care everywhere.
#pragma once

#include "guest/memory.h"
#include "guest/program.h"

namespace guest {

// Where the target was. `exact` says that pc is the very instruction at which the processor stopped, so the
// function may not have set up its frame yet; else pc lies inside a call, and bp belongs to its function.
struct Place {
    u64 pc = 0, sp = 0, bp = 0;
    bool exact = false;
};

// Fills `frames` innermost first and gives their number. Every address but an exact pc lies inside the
// calling instruction. Frames of the target's runtime, and what called the harness, are left out; an address
// that is no code is, too.
u32 walk_stack(const Memory &memory, const Program &program, const Place &place, Span<u64> frames);

} // namespace guest
