// base/core.h — which core is running: the one thing about the machine that every layer may ask.
#pragma once

#include "base/types.h"

// More than any machine we start today; per-core tables in constant memory are sized by it.
constexpr u32 max_cores = 64;

// This core's number, 0 for the one that booted, dense. Defined once per program, valid from the first
// instruction.
u32 current_core();
