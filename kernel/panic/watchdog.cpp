// kernel/panic/watchdog.cpp — see watchdog.h.
#include "kernel/panic/watchdog.h"

#include "base/log.h"
#include "cpu/ops.h"
#include "kernel/entry/apic.h"
#include "kernel/panic/dump.h"
#include "rstate/error.h"

namespace kernel {

namespace {

// Written by the core itself, `progress` read by whoever watches it.
struct alignas(64) Watch {
    Atomic<bool> works;
    Atomic<u64> progress;
    // What it has seen of the core that it watches.
    u32 other = 0;
    u32 stood_still = 0;
    u64 seen = 0;
};
constinit Watch watches[max_cores];
constinit Sighting sightings[max_cores];

bool works(u32 core) { return watches[core].works.load(Order::acquire); }

// The next one that works, in a ring; this core itself when there is none.
u32 next_core() {
    const u32 me = current_core();
    u32 core = me;
    do core = core + 1 == max_cores ? 0 : core + 1;
    while (core != me && !works(core));
    return core;
}

void print_sighting(u32 core, const Sighting &sighting) {
    TextBuffer<40> where;
    dump_address(where.add("  core {} is at", core).text(), sighting.frame.rip);
    dump_registers(sighting.frame);
    for (u32 i = 0; i < sighting.caller_count; ++i) dump_address("    from", sighting.callers[i]);
}

void tell_of(u32 core) {
    constexpr u32 to_answer = 500'000; // pauses: far more than an NMI takes
    Sighting &sighting = sightings[core];
    const LogSection together;
    log_formatted("watchdog: core {} works and has made no progress for {} ticks of core {}", core,
                  patience_ticks, current_core());
    sighting.answered.store(false);
    sighting.asked.fetch_add(1, Order::release);
    send_nmi(core);
    u32 left = to_answer;
    while (left != 0 && !sighting.answered.load(Order::acquire)) {
        cpu::pause();
        --left;
    }
    if (left != 0)
        print_sighting(core, sighting);
    else
        log_formatted("  core {} takes no NMI: its global interrupt flag is clear, or it serves another",
                      core);
    dump_locks(core);
    rstate::print_in_flight({[](void *, Text line) { log_line(line); }, nullptr}, core);
}

} // namespace

void begin_work() {
    show_progress();
    watches[current_core()].works.store(true, Order::release);
}

void end_work() { watches[current_core()].works.store(false, Order::release); }

void show_progress() { watches[current_core()].progress.bump(); }

// A core is told of once; when it has gone on and stands again, once more. Core 0 watches to the end of the
// run, the others while they work.
void watch_next_core() {
    const u32 me = current_core(), core = next_core();
    if (core == me || (me != 0 && !works(me))) return;
    Watch &mine = watches[me];
    const u64 progress = watches[core].progress.load();
    if (mine.other != core || mine.seen != progress) {
        mine.other = core, mine.seen = progress, mine.stood_still = 0;
        return;
    }
    if (mine.stood_still < patience_ticks && ++mine.stood_still == patience_ticks) tell_of(core);
}

bool answer_watchdog(const TrapFrame &frame) {
    Sighting &sighting = sightings[current_core()];
    if (sighting.asked.load(Order::acquire) == 0) return false;
    sighting.asked.fetch_sub(1);
    sighting.frame = frame;
    sighting.caller_count = callers_of(frame.rbp, sighting.callers);
    sighting.answered.store(true, Order::release);
    return true;
}

const Sighting &sighting_of(u32 core) { return sightings[core]; }

} // namespace kernel
