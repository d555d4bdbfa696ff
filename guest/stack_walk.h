// guest/stack_walk.h — reads the target's call stack from its memory, by frame pointers where they are valid.
#pragma once

#include "guest/memory.h"
#include "guest/program.h"
#include "vm/outcome.h"

namespace guest {

// The target's position. `exact`: pc is the instruction at which the processor stopped, so the function may
// not have set up its frame yet. Otherwise pc lies inside a call instruction, and bp belongs to its function.
struct Place {
    u64 pc = 0, sp = 0, bp = 0;
    bool exact = false;
};

// What a walk found.
struct Walked {
    u32 frames = 0, recursions = 0;
    bool cut = false; // there was no room for the outermost frames, or they were too many to look at
};

// Fills `frames`, innermost first, with recursion collapsed (recursion.h). Every address but an exact pc lies
// inside the calling instruction. Left out: frames of the target's runtime, the callers of the harness, and
// addresses that are not code.
Walked walk_stack(const Memory &memory, const Program &program, const Place &place, Span<u64> frames,
                  Span<vm::Recursion> recursions = {});

} // namespace guest
