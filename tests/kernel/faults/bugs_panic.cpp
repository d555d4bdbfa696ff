// tests/kernel/faults/bugs_panic.cpp — failures injected at the worst moments, which the panic path must
// survive.
#include "base/log.h"
#include "cpu/lock.h"
#include "kernel/campaign/target.h"
#include "kernel/entry/apic.h"
#include "kernel/panic/panic.h"
#include "tests/kernel/faults/inject.h"
#include "tests/kernel/interrupt_hook.h"
#include "tests/kernel/tiny_guest.h"

extern "C" {
void inject_frame_pointer(u64 rbp, void (*function)());
void inject_no_interrupt_table();
}

namespace kernel {

namespace {

constexpr u8 vector = 0x50;
constinit cpu::SpinLock lock("injected", 1);
constinit const char *wanted = nullptr; // the lock that a core holds when it hangs
constinit bool ready = false, hangs = false;
constinit u32 in_handlers = 0;

void fail() { CHECK(current_core() >= max_cores, "this failure is injected", current_core()); }
void fail_in_handler(TrapFrame &) {
    unhook_vector();
    fail();
}
[[noreturn]] void hang() {
    for (;;) cpu::pause();
}
void wait_for(const bool &flag) {
    while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE)) cpu::pause();
}
void set(bool &flag) { __atomic_store_n(&flag, true, __ATOMIC_RELEASE); }

rstate::Result<> plain(const TestContext &) {
    fail();
    return rstate::done();
}
// A value of the error is a text at an address that is not mapped: the report fails in its second line.
[[noreturn]] void fail_in_report() {
    const char *text = opaque(reinterpret_cast<const char *>(0x0000'1234'5678'9ABC));
    panic(WRAP(FAIL(test_failed, "an error that cannot be printed", text), "an error that can be printed"));
}
rstate::Result<> in_a_panic(const TestContext &) { fail_in_report(); }
rstate::Result<> in_an_interrupt(const TestContext &) {
    hook_vector(vector, fail_in_handler);
    send_ipi(current_core(), vector);
    hang();
}
rstate::Result<> in_an_nmi(const TestContext &) {
    hook_vector(static_cast<u64>(cpu::Vector::nmi), fail_in_handler);
    send_nmi(current_core());
    hang();
}
// Every error frame is in use when the kernel panics: the fault's chain needs the panic reserve.
rstate::Result<> with_an_empty_pool(const TestContext &) {
    rstate::Error kept[rstate::frames_per_pool];
    for (rstate::Error &error : kept) error = FAIL(test_failed, "an error that is kept", current_core());
    touch_byte<Touch::write>(byte_at(0x18));
    return rstate::done();
}
rstate::Result<> without_interrupt_table(const TestContext &) {
    inject_no_interrupt_table();
    fail();
    return rstate::done();
}
rstate::Result<> with_a_wild_frame_pointer(const TestContext &) {
    inject_frame_pointer(0x0000'1234'5678'9ABC, fail);
    return rstate::done();
}
// The other cores fail together with core 0, in an NMI handler, where no other NMI reaches them before.
rstate::Result<> on_all_cores(const TestContext &context) {
    const u32 others = context.args.core_count - 1;
    hook_vector(static_cast<u64>(cpu::Vector::nmi), [](TrapFrame &) {
        __atomic_add_fetch(&in_handlers, 1, __ATOMIC_ACQ_REL);
        while (!panicking()) cpu::pause();
        fail();
    });
    for (u32 core = 1; core <= others; ++core) send_nmi(core);
    while (__atomic_load_n(&in_handlers, __ATOMIC_ACQUIRE) != others) cpu::pause();
    fail();
    return rstate::done();
}

// Core 1 runs `work`; core 0 fails as soon as `ready` is set.
template <void (*work)()> rstate::Result<> while_core_1_works(const TestContext &) {
    run_on_cores(2, {[](void *) {
                         if (current_core() == 1) work();
                         wait_for(ready);
                         fail();
                     },
                     nullptr});
    return rstate::done();
}
__attribute__((no_thread_safety_analysis)) void hold_a_lock() {
    lock.lock();
    set(ready);
    hang();
}
// In an NMI handler no other NMI arrives.
void hang_without_nmi() {
    hook_vector(static_cast<u64>(cpu::Vector::nmi), [](TrapFrame &) {
        set(ready);
        hang();
    });
    send_nmi(current_core());
    hang();
}
void run_an_endless_guest() {
    constexpr u8 loop[] = {0xEB, 0xFE}; // jmp to itself
    auto core = start_svm();
    CHECK(core.ok(), "SVM can be switched on");
    auto guest = TinyGuest::make(*core.value(), loop);
    CHECK(guest.ok(), "a guest can be made");
    set(ready);
    rstate::ignore(guest.value().machine().run(), "the other core's failure ends it");
}

// Core 1 hangs while it holds the lock; then core 0 fails.
void hang_with_the_lock(TrapFrame &) {
    const char *names[cpu::most_locks];
    const u32 held = cpu::locks_held(current_core(), names);
    if (held == 0 || Text(names[held - 1]) != Text(wanted)) return;
    set(hangs);
    hang();
}
void stop_core_1() {
    wait_for(ready);
    hook_vector(static_cast<u64>(cpu::Vector::nmi), hang_with_the_lock);
    while (!__atomic_load_n(&hangs, __ATOMIC_ACQUIRE)) {
        send_nmi(1);
        for (u32 i = 0; i < 1000; ++i) cpu::pause();
    }
    unhook_vector();
}
rstate::Result<> with_a_held_console(const TestContext &) {
    wanted = "console";
    run_on_cores(2, {[](void *) {
                         if (current_core() == 0) return stop_core_1(), fail();
                         for (u64 i = 0;; ++i, set(ready)) log_formatted("line {} of many", i);
                     },
                     nullptr});
    return rstate::done();
}
// The explanation of the second failure needs the address space's lock.
rstate::Result<> with_a_held_address_space(const TestContext &) {
    wanted = "mm.address_space";
    run_on_cores(2, {[](void *) {
                         if (current_core() == 1)
                             for (;; set(ready)) static_cast<void>(world->space.random_word());
                         stop_core_1();
                         fail_in_report();
                     },
                     nullptr});
    return rstate::done();
}

// Core 1 could still be in the first job, or take it and the second for one.
rstate::Result<> in_a_job_within_a_job(const TestContext &) {
    run_on_cores(2, {[](void *) {
                         if (current_core() == 0) run_on_cores(2, {[](void *) {}, nullptr});
                     },
                     nullptr});
    return rstate::done();
}

constexpr Test bugs[] = {
    {"check", plain},
    {"panic-in-panic", in_a_panic},
    {"panic-in-interrupt", in_an_interrupt},
    {"panic-in-nmi", in_an_nmi},
    {"panic-with-empty-pool", with_an_empty_pool},
    {"panic-without-interrupt-table", without_interrupt_table},
    {"panic-with-wild-frame-pointer", with_a_wild_frame_pointer},
    {"panic-on-all-cores", on_all_cores},
    {"panic-beside-a-lock", while_core_1_works<hold_a_lock>},
    {"panic-beside-a-deaf-core", while_core_1_works<hang_without_nmi>},
    {"panic-beside-a-guest", while_core_1_works<run_an_endless_guest>},
    {"panic-with-dead-console", with_a_held_console},
    {"panic-with-dead-address-space", with_a_held_address_space},
    {"job-within-a-job", in_a_job_within_a_job},
};

} // namespace

constinit const BugList panic_bugs = bugs;

} // namespace kernel
