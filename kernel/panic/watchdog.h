// kernel/panic/watchdog.h — a core that works and makes no progress is found by its neighbour, and told of.
//
// At each of its ticks a core looks at the next working one. A core whose progress has stood still for so
// many of them gets an NMI, which reaches it with interrupts off too: its handler leaves its registers and
// callers, takes no lock, and returns; the neighbour prints them. An NMI waits while the global interrupt
// flag is clear (APM vol 2 §15.17 "Global Interrupt Flag, STGI and CLGI Instructions"): then the report says
// so.
#pragma once

#include "base/atomic.h"
#include "kernel/entry/traps.h"

namespace kernel {

// Ticks of the watching core: more than a case may take, and its triage's runs are cases of their own.
constexpr u32 patience_ticks = 15;

// What a core was doing when it was asked.
struct Sighting {
    static constexpr u32 most_callers = 12;
    TrapFrame frame{};
    u64 callers[most_callers] = {};
    u32 caller_count = 0;
    Atomic<u32> asked; // NMIs that are on their way
    Atomic<bool> answered;
};

// This core works from now on, and is expected to show progress; or it has ended its work.
void begin_work();
void end_work();
// This core has got somewhere: between two cases, and wherever it waits for good reason.
void show_progress();

// Once a tick, on every core.
void watch_next_core();
// In the NMI handler: true when the watchdog asked, and now has its answer.
bool answer_watchdog(const TrapFrame &frame);

const Sighting &sighting_of(u32 core);

} // namespace kernel
