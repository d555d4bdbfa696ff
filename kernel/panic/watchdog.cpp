// kernel/panic/watchdog.cpp — the watchdog; see watchdog.h.
#include "kernel/panic/watchdog.h"

#include "base/log.h"
#include "cpu/ops.h"
#include "kernel/entry/apic.h"
#include "kernel/panic/dump.h"
#include "rstate/error.h"

namespace kernel {

namespace {

// Written by the core itself; the core that watches it reads `works` and `progress`.
struct alignas(64) Watch {
    Atomic<bool> works;
    Atomic<u64> progress;
    // About the core that this one watches: its number, its progress at the last look, and for how many ticks
    // that has not changed.
    u32 other = 0;
    u32 unchanged_ticks = 0;
    u64 seen = 0;
};
constinit Watch watches[max_cores];
constinit CoreSample samples[max_cores];

bool works(u32 core) { return watches[core].works.load(Order::acquire); }

// The next core that works, in a ring; this core itself when no other works.
u32 next_core() {
    const u32 me = current_core();
    u32 core = me;
    do core = core + 1 == max_cores ? 0 : core + 1;
    while (core != me && !works(core));
    return core;
}

void print_sample(u32 core, const CoreSample &sample) {
    TextBuffer<40> where;
    dump_address(where.add("  core {} is at", core).text(), sample.frame.rip);
    dump_registers(sample.frame);
    for (u32 i = 0; i < sample.caller_count; ++i) dump_address("    from", sample.callers[i]);
}

void report_stuck(u32 core) {
    constexpr u32 to_answer = 500'000; // pauses: far more than an NMI takes
    CoreSample &sample = samples[core];
    const LogSection together;
    log_formatted("watchdog: core {} works and has made no progress for {} ticks of core {}", core,
                  patience_ticks, current_core());
    sample.answered.store(false);
    sample.asked.fetch_add(1, Order::release);
    send_nmi(core);
    u32 left = to_answer;
    while (left != 0 && !sample.answered.load(Order::acquire)) {
        cpu::pause();
        --left;
    }
    if (left != 0)
        print_sample(core, sample);
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

// A core is reported once, and again if it makes progress and hangs again. Core 0 watches until the end of
// the run, the others while they work.
void watch_next_core() {
    const u32 me = current_core(), core = next_core();
    if (core == me || (me != 0 && !works(me))) return;
    Watch &mine = watches[me];
    const u64 progress = watches[core].progress.load();
    if (mine.other != core || mine.seen != progress) {
        mine.other = core, mine.seen = progress, mine.unchanged_ticks = 0;
        return;
    }
    if (mine.unchanged_ticks < patience_ticks && ++mine.unchanged_ticks == patience_ticks) report_stuck(core);
}

bool answer_watchdog(const TrapFrame &frame) {
    CoreSample &sample = samples[current_core()];
    if (sample.asked.load(Order::acquire) == 0) return false;
    sample.asked.fetch_sub(1);
    sample.frame = frame;
    sample.caller_count = callers_of(frame.rbp, sample.callers);
    sample.answered.store(true, Order::release);
    return true;
}

const CoreSample &sample_of(u32 core) { return samples[core]; }

} // namespace kernel
