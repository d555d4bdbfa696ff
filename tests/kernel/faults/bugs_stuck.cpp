// tests/kernel/faults/bugs_stuck.cpp — injected bugs: a core that works and stops getting anywhere. The
// watchdog of core 0 must tell of it.
#include "base/log.h"
#include "cpu/lock.h"
#include "cpu/ticks.h"
#include "kernel/campaign/target.h"
#include "kernel/entry/apic.h"
#include "kernel/panic/watchdog.h"
#include "kernel/smp/core.h"
#include "kernel/smp/jobs.h"
#include "tests/kernel/faults/inject.h"

extern "C" void inject_without_interrupts_of_any_kind(const bool *may_go);

namespace kernel {

namespace {

constexpr u32 tick_milliseconds = 5;

struct Story {
    void (*stand_still)(const bool &may_go);
    u64 tsc_hz;
    bool stands = false, may_go = false;
};
constinit cpu::SpinLock lock("injected", 1);

bool is_set(const bool &flag) { return __atomic_load_n(&flag, __ATOMIC_ACQUIRE); }
void set(bool &flag) { __atomic_store_n(&flag, true, __ATOMIC_RELEASE); }

// With interrupts off, a lock taken and a failure in hand that nobody has been told of yet.
void loop_with_a_lock_and_an_error(const bool &may_go) {
    const cpu::InterruptsOff off;
    const cpu::Guard guard(lock);
    rstate::Error error = FAIL(test_failed, "a core stopped in the middle of this", current_core());
    while (!is_set(may_go)) cpu::pause();
    rstate::handled(std::move(error));
}
// Whoever has something to say waits for it.
void loop_with_the_console(const bool &may_go) {
    const LogSection together;
    while (!is_set(may_go)) cpu::pause();
}
void loop_without_interrupts_of_any_kind(const bool &may_go) {
    auto svm = start_svm();
    CHECK(svm.ok(), "SVM can be switched on");
    inject_without_interrupts_of_any_kind(&may_go);
}

void watch(Story &story) {
    start_ticks(tick_milliseconds, story.tsc_hz);
    begin_work();
    const u64 first = cpu::ticks_of(0);
    while (cpu::ticks_of(0) - first < 2 * patience_ticks) cpu::halt();
    end_work();
    stop_ticks();
    set(story.may_go);
}

void stand_or_watch(void *context) {
    Story &story = *static_cast<Story *>(context);
    if (current_core() == 0) {
        while (!is_set(story.stands)) cpu::pause();
        return watch(story);
    }
    begin_work();
    set(story.stands);
    story.stand_still(story.may_go);
    end_work();
}

template <void (*stand_still)(const bool &)>
rstate::Result<> while_core_0_watches(const TestContext &context) {
    Story story{stand_still, context.args.tsc_hz};
    run_on_cores(2, {stand_or_watch, &story});
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
