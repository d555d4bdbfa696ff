// cpu/ticks.h — how many interrupts of its timer each core has served: the clock of deadlines and watchdogs.
#pragma once

#include "base/types.h"

namespace cpu {

// This core's timer has come once more; called by its handler alone.
void note_tick();
// Since the start. A core that has no timer running stands still.
u64 ticks_of(u32 core);
u64 ticks(); // of this core

} // namespace cpu
