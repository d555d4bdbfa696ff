// targets/runtime/fences.c — red zones before the first variable of each section; globals.c poisons them.
//
// Linked before everything of the target: the fences must precede its variables. Where the linker optimises
// the target as one module, this file is bitcode, too, and comes first in it.
#include "targets/runtime/runtime.h"

#define FENCE __attribute__((used, aligned(64)))
FENCE char rl_fence_data[64] = {1};
FENCE char rl_fence_bss[64];
FENCE const char rl_fence_rodata[64] = {1};
