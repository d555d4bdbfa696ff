// tests/kernel/interrupt_hook.cpp — a test's own interrupt handler; see interrupt_hook.h. The test kernel is
// linked with --wrap=trap: the entry stubs then call the function below, and the product has no hook in its
// interrupt path.
#include "tests/kernel/interrupt_hook.h"

#include "cpu/lock.h"

namespace kernel {

namespace {

struct Hook {
    u64 vector = 0; // 0: none; no test divides by zero
    void (*handler)(TrapFrame &) = nullptr;
};
constinit Hook hook;

} // namespace

void hook_vector(u64 vector, void (*handler)(TrapFrame &)) { hook = {vector, handler}; }
void unhook_vector() { hook = {}; }

} // namespace kernel

extern "C" {

// The linker's names for --wrap=trap: the wrapped function, and the one that is called instead of it.
void wrapped_trap(kernel::TrapFrame *frame) asm("__real_trap");
void trap_or_hook(kernel::TrapFrame *frame) asm("__wrap_trap");

void trap_or_hook(kernel::TrapFrame *frame) {
    using namespace kernel;
    if (hook.vector == 0 || frame->vector != hook.vector) return wrapped_trap(frame);
    if (!is_interrupt(frame->vector)) return hook.handler(*frame);
    const cpu::InInterrupt serving; // as the kernel does
    hook.handler(*frame);
}
}
