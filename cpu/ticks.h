// cpu/ticks.h — timer interrupts served by each core: the clock of deadlines and watchdogs.
#pragma once

#include "base/types.h"

namespace cpu {

// Counts one timer interrupt of this core; called by its handler alone.
void note_tick();
// Since the start. Without a running timer a core's count does not change.
u64 ticks_of(u32 core);
u64 ticks(); // of this core

} // namespace cpu
