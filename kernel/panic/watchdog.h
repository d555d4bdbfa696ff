// kernel/panic/watchdog.h — the watchdog: reports a core that works and makes no progress.
//
// At each of its ticks a core reads the progress of the next working core. When that has not changed for
// patience_ticks ticks, it sends that core an NMI, which arrives although interrupts are off: the NMI handler
// stores its core's registers and callers, takes no lock, and returns; the watching core prints them. An NMI
// is held back while the global interrupt flag is clear (APM vol 2 §15.17 "Global Interrupt Flag, STGI and
// CLGI Instructions"): the report then says so.
#pragma once

#include "base/atomic.h"
#include "kernel/entry/traps.h"

namespace kernel {

// Ticks of the watching core: more than a case may take; each run of the minimizer is a case of its own.
constexpr u32 patience_ticks = 15;

// What a core was doing when the watchdog's NMI arrived.
struct CoreSample {
    static constexpr u32 most_callers = 12;
    TrapFrame frame{};
    u64 callers[most_callers] = {};
    u32 caller_count = 0;
    Atomic<u32> asked; // NMIs that have been sent and not yet handled
    Atomic<bool> answered;
};

// From begin_work to end_work this core must show progress.
void begin_work();
void end_work();
// This core has made progress: called between two cases, and while the core waits for a good reason.
void show_progress();

// Called at each tick, on every core.
void watch_next_core();
// In the NMI handler: true when the watchdog sent the NMI; the sample is then stored.
bool answer_watchdog(const TrapFrame &frame);

const CoreSample &sample_of(u32 core);

} // namespace kernel
