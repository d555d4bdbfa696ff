// tests/kernel/faults/bugs_stuck.cpp — injected bugs: a core that works and hangs. Core 0's watchdog must
// report it.
#include "base/log.h"
#include "cpu/lock.h"
#include "cpu/ticks.h"
#include "kernel/campaign/target.h"
#include "kernel/entry/apic.h"
#include "kernel/panic/watchdog.h"
#include "kernel/smp/core.h"
#include "kernel/smp/jobs.h"
#include "tests/kernel/faults/inject.h"

extern "C" void inject_without_interrupts_of_any_kind(const bool *released);

namespace kernel {

namespace {

constexpr u32 tick_milliseconds = 5;

struct Hang {
    void (*hang)(const bool &released);
    u64 ticks_per_second;
    bool hangs = false, released = false;
};
constinit cpu::SpinLock lock("injected", 1);

bool is_set(const bool &flag) { return __atomic_load_n(&flag, __ATOMIC_ACQUIRE); }
void set(bool &flag) { __atomic_store_n(&flag, true, __ATOMIC_RELEASE); }

// With interrupts off, a lock held, and an error that is not reported yet.
void loop_with_a_lock_and_an_error(const bool &released) {
    const cpu::InterruptsOff off;
    const cpu::Guard guard(lock);
    rstate::Error error = FAIL(test_failed, "a core stopped in the middle of this", current_core());
    while (!is_set(released)) cpu::pause();
    rstate::handled(std::move(error));
}
// Any core that logs a line waits for it.
void loop_with_the_console(const bool &released) {
    const LogSection together;
    while (!is_set(released)) cpu::pause();
}
void loop_without_interrupts_of_any_kind(const bool &released) {
    auto svm = start_svm();
    CHECK(svm.ok(), "SVM can be switched on");
    inject_without_interrupts_of_any_kind(&released);
}

void watch(Hang &shared) {
    start_ticks(tick_milliseconds, shared.ticks_per_second);
    begin_work();
    const u64 first = cpu::ticks_of(0);
    while (cpu::ticks_of(0) - first < 2 * patience_ticks) cpu::halt();
    end_work();
    stop_ticks();
    set(shared.released);
}

void hang_or_watch(void *context) {
    Hang &shared = *static_cast<Hang *>(context);
    if (current_core() == 0) {
        while (!is_set(shared.hangs)) cpu::pause();
        return watch(shared);
    }
    begin_work();
    set(shared.hangs);
    shared.hang(shared.released);
    end_work();
    CHECK(!cpu::holds_a_lock(), "a core whose hang ends releases what it held, also what was taken from it");
}

template <void (*hang)(const bool &)> rstate::Result<> while_core_0_watches(const TestContext &context) {
    Hang shared{hang, context.args.ticks_per_second()};
    run_on_cores(2, {hang_or_watch, &shared});
    return rstate::done();
}

constexpr Test bugs[] = {
    {"stuck-core", while_core_0_watches<loop_with_a_lock_and_an_error>},
    {"stuck-core-with-the-console", while_core_0_watches<loop_with_the_console>},
    {"stuck-core-without-nmi", while_core_0_watches<loop_without_interrupts_of_any_kind>},
};

} // namespace

constinit const BugList stuck_bugs = bugs;

} // namespace kernel
