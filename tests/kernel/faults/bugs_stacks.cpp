// tests/kernel/faults/bugs_stacks.cpp — injected bugs: overflows of every kind of stack, and wild stack
// pointers.
#include "kernel/entry/apic.h"
#include "tests/kernel/faults/inject.h"
#include "tests/kernel/interrupt_hook.h"

extern "C" {
[[noreturn]] void inject_push_onto(u64 stack);
void inject_machine_check();
}

namespace kernel {

namespace {

[[gnu::noinline]] u64 recurse(u64 depth) {
    volatile u8 frame[1000] = {};
    frame[depth % sizeof frame] = 1;
    return depth == ~0ul ? 0 : recurse(depth + 1) + frame[0];
}

// Removes the hook first: the overflow itself may raise this vector again.
void overflow_in_handler(TrapFrame &) {
    unhook_vector();
    if (recurse(0) == 1) cpu::pause();
}

rstate::Result<> own_stack(const TestContext &) {
    if (recurse(0) == 1) return FAIL(test_failed, "the stack did not overflow");
    return rstate::done();
}
rstate::Result<> nmi_stack_overflow(const TestContext &) {
    hook_vector(static_cast<u64>(cpu::Vector::nmi), overflow_in_handler);
    send_nmi(current_core());
    for (;;) cpu::pause();
}
rstate::Result<> machine_check_overflow(const TestContext &) {
    hook_vector(static_cast<u64>(cpu::Vector::machine_check), overflow_in_handler);
    inject_machine_check();
    return rstate::done();
}
rstate::Result<> double_fault_overflow(const TestContext &) {
    hook_vector(static_cast<u64>(cpu::Vector::double_fault), overflow_in_handler);
    inject_push_onto(page_size);
}
rstate::Result<> page_fault_overflow(const TestContext &) {
    hook_vector(static_cast<u64>(cpu::Vector::page_fault), overflow_in_handler);
    touch_byte<Touch::write>(byte_at(0x18));
    return rstate::done();
}
rstate::Result<> interrupt_overflow(const TestContext &) {
    constexpr u8 vector = 0x50;
    hook_vector(vector, overflow_in_handler);
    send_ipi(current_core(), vector);
    for (;;) cpu::pause();
}

// A frame so large that it reaches beyond the guard page.
rstate::Result<> leap_over_the_guard(const TestContext &) {
    const boot::CoreArgs &args = *core_table[current_core()]->args;
    const u64 here = reinterpret_cast<u64>(__builtin_frame_address(0));
    auto *frame = static_cast<volatile u8 *>(__builtin_alloca(here - args.stack_bottom + 3 * page_size));
    touch_byte<Touch::write>(opaque(frame));
    return rstate::done();
}

template <u64 stack> rstate::Result<> push_onto(const TestContext &) { inject_push_onto(stack); }

constexpr Test bugs[] = {
    {"stack-overflow", own_stack},
    {"stack-overflow-in-nmi", nmi_stack_overflow},
    {"stack-overflow-in-machine-check", machine_check_overflow},
    {"stack-overflow-in-double-fault", double_fault_overflow},
    {"stack-overflow-in-page-fault", page_fault_overflow},
    {"stack-overflow-in-interrupt", interrupt_overflow},
    {"stack-leaps-over-guard", leap_over_the_guard},
    {"stack-at-null", push_onto<page_size>},
    {"stack-wild", push_onto<0x0000'1234'5678'9000>},
    {"stack-non-canonical", push_onto<0x1234'5678'9ABC'DEF0>},
};

} // namespace

constinit const BugList stack_bugs = bugs;

} // namespace kernel
