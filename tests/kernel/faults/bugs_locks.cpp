// tests/kernel/faults/bugs_locks.cpp — injected bugs: locks. Clang's thread-safety analysis is off here,
// since it refuses to compile most of them.
#include "cpu/lock.h"
#include "kernel/entry/apic.h"
#include "tests/kernel/faults/inject.h"
#include "tests/kernel/interrupt_hook.h"

#define UNANALYSED __attribute__((no_thread_safety_analysis))

namespace kernel {

namespace {

constinit cpu::SpinLock outer("injected outer", 1), inner("injected inner", 2);
constinit bool interrupted = false;
constexpr u8 vector = 0x50;

UNANALYSED rstate::Result<> taken_twice(const TestContext &) {
    outer.lock();
    outer.lock();
    return rstate::done();
}
UNANALYSED rstate::Result<> released_by_a_stranger(const TestContext &) {
    outer.lock();
    run_on_core(1, 2, []() UNANALYSED { outer.unlock(); });
    return rstate::done();
}
UNANALYSED rstate::Result<> released_untaken(const TestContext &) {
    outer.unlock();
    return rstate::done();
}
UNANALYSED rstate::Result<> wrong_order(const TestContext &) {
    inner.lock();
    outer.lock();
    return rstate::done();
}
UNANALYSED rstate::Result<> released_in_wrong_order(const TestContext &) {
    outer.lock();
    inner.lock();
    outer.unlock();
    return rstate::done();
}
UNANALYSED rstate::Result<> never_released(const TestContext &) {
    outer.lock();
    return rstate::done();
}

UNANALYSED void take_in_handler(TrapFrame &) {
    end_of_interrupt();
    outer.lock();
    outer.unlock();
    __atomic_store_n(&interrupted, true, __ATOMIC_RELEASE);
}
void interrupt_myself() {
    hook_vector(vector, take_in_handler);
    send_ipi(current_core(), vector);
    while (!__atomic_load_n(&interrupted, __ATOMIC_ACQUIRE)) cpu::pause();
}
UNANALYSED rstate::Result<> held_into_an_interrupt(const TestContext &) {
    outer.lock();
    interrupt_myself();
    outer.unlock();
    return rstate::done();
}
// The lock was free when the interrupt came; another time it may be held.
rstate::Result<> held_with_interrupts_on(const TestContext &) {
    interrupt_myself();
    const cpu::Guard guard(outer);
    return rstate::done();
}

constexpr Test bugs[] = {
    {"lock-taken-twice", taken_twice},
    {"lock-released-by-a-stranger", released_by_a_stranger},
    {"lock-released-untaken", released_untaken},
    {"lock-in-wrong-order", wrong_order},
    {"lock-released-in-wrong-order", released_in_wrong_order},
    {"lock-never-released", never_released},
    {"lock-held-into-an-interrupt", held_into_an_interrupt},
    {"lock-held-with-interrupts-on", held_with_interrupts_on},
};

} // namespace

constinit const BugList lock_bugs = bugs;

} // namespace kernel
