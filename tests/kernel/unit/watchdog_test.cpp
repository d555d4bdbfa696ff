// tests/kernel/unit/watchdog_test.cpp — a core that stands still is seen by its neighbour, where it stands.
#include "cpu/lock.h"
#include "kernel/panic/watchdog.h"
#include "kernel/smp/jobs.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

struct Stand {
    u32 watched = 0, stands = 0, may_go = 0;
    u64 from = 0, seen_at = 0;
    u32 callers = 0;
    bool seen_early = false, answered = false;
};

// With interrupts off, where only an NMI comes.
[[gnu::noinline]] void stand_still(Stand &stand) {
    cpu::disable_interrupts();
    while (__atomic_load_n(&stand.watched, __ATOMIC_ACQUIRE) == 0) cpu::pause();
    begin_work();
    __atomic_store_n(&stand.stands, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&stand.may_go, __ATOMIC_ACQUIRE) == 0) cpu::pause();
    end_work();
    cpu::enable_interrupts();
}

void watch(Stand &stand) {
    const cpu::InterruptsOff no_ticks; // they would count as well, from when the other works
    __atomic_store_n(&stand.watched, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&stand.stands, __ATOMIC_ACQUIRE) == 0) cpu::pause();
    for (u32 tick = 0; tick < patience_ticks; ++tick) { // the first look only notes where it is
        watch_next_core();
        stand.seen_early |= sample_of(1).answered.load();
    }
    watch_next_core();
    stand.answered = sample_of(1).answered.load();
    stand.seen_at = sample_of(1).frame.rip;
    stand.callers = sample_of(1).caller_count;
    __atomic_store_n(&stand.may_go, 1, __ATOMIC_RELEASE);
}

void stand_or_watch(void *context) {
    Stand &stand = *static_cast<Stand *>(context);
    if (current_core() == 0)
        watch(stand);
    else
        stand_still(stand);
}

rstate::Result<> a_core_that_stands_still_is_seen_where_it_stands(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    Stand stand;
    run_on_cores(2, {stand_or_watch, &stand});
    EXPECT(!stand.seen_early);
    EXPECT(stand.answered);
    EXPECT(stand.seen_at - context.args.kernel_base < context.args.text_bytes, stand.seen_at);
    EXPECT(stand.callers != 0);
    return rstate::done();
}
RL_TEST(a_core_that_stands_still_is_seen_where_it_stands);

} // namespace

} // namespace kernel
