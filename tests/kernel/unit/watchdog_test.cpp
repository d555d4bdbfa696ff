// tests/kernel/unit/watchdog_test.cpp — the watchdog finds a core that hangs, and where it hangs.
#include "base/atomic.h"
#include "cpu/lock.h"
#include "kernel/panic/watchdog.h"
#include "kernel/smp/jobs.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

struct Hang {
    Atomic<bool> watched, hangs, released;
    u64 found_at = 0;
    u32 callers = 0;
    bool found_early = false, answered = false;
};

// With interrupts off only an NMI arrives.
[[gnu::noinline]] void hang(Hang &shared) {
    cpu::disable_interrupts();
    while (!shared.watched.load(Order::acquire)) cpu::pause();
    begin_work();
    shared.hangs.store(true, Order::release);
    while (!shared.released.load(Order::acquire)) cpu::pause();
    end_work();
    cpu::enable_interrupts();
}

void watch(Hang &shared) {
    const cpu::InterruptsOff no_ticks; // this core's own ticks would count as well, once the other core works
    shared.watched.store(true, Order::release);
    while (!shared.hangs.load(Order::acquire)) cpu::pause();
    for (u32 tick = 0; tick < patience_ticks;
         ++tick) { // the first call only stores the other core's progress
        watch_next_core();
        shared.found_early |= sample_of(1).answered.load();
    }
    watch_next_core();
    shared.answered = sample_of(1).answered.load();
    shared.found_at = sample_of(1).frame.rip;
    shared.callers = sample_of(1).caller_count;
    shared.released.store(true, Order::release);
}

void hang_or_watch(void *context) {
    Hang &shared = *static_cast<Hang *>(context);
    if (current_core() == 0)
        watch(shared);
    else
        hang(shared);
}

rstate::Result<> a_core_that_hangs_is_found_where_it_hangs(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    Hang shared;
    run_on_cores(2, {hang_or_watch, &shared});
    EXPECT(!shared.found_early);
    EXPECT(shared.answered);
    EXPECT(shared.found_at - context.args.kernel_base < context.args.text_bytes, shared.found_at);
    EXPECT(shared.callers != 0);
    return rstate::done();
}
RL_TEST(a_core_that_hangs_is_found_where_it_hangs);

} // namespace

} // namespace kernel
