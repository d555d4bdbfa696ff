// targets/runtime/leaks.h — blocks that are allocated and that nothing reaches.
#pragma once

#include "targets/runtime/runtime.h"

// The places that allocate blocks that nothing reaches any more have numbers, from 0: reports one as a
// finding; returns when there are not so many.
void rl_report_leak(u32 number);
// Whether blocks that are allocated now are meant to stay.
bool rl_leaks_disabled(void);
// fake_stack.c: visits each frame off the stack that a function uses.
void rl_each_taken_frame(void (*visit)(u64 begin, u64 end));
