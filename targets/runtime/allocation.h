// targets/runtime/allocation.h — included in front of every C source of a target: malloc and calloc are no
// builtins there (tools/rl/building/targets.py), but no other pointer points to what they return, which the
// optimizer knows of the builtins.
#pragma once

void *malloc(unsigned long) __attribute__((malloc, alloc_size(1)));
void *calloc(unsigned long, unsigned long) __attribute__((malloc, alloc_size(1, 2)));
