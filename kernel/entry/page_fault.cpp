// kernel/entry/page_fault.cpp — the kernel's page fault handler; see page_fault.h.
#include "kernel/entry/page_fault.h"

#include "cpu/lock.h"
#include "cpu/ops.h"
#include "kernel/codes.h"
#include "kernel/panic/panic.h"
#include "kernel/world.h"

namespace kernel {

namespace {

const char *access_text(vm::Access access) {
    switch (access) {
    case vm::Access::none:
        return "using";
    case vm::Access::read:
        return "reading";
    case vm::Access::write:
        return "writing";
    case vm::Access::execute:
        return "executing";
    }
    return "";
}

vm::Access access_of(u64 error_code) {
    if ((error_code & cpu::PageFaultCode::Fetch::mask) != 0) return vm::Access::execute;
    return (error_code & cpu::PageFaultCode::Write::mask) != 0 ? vm::Access::write : vm::Access::read;
}

// Turns interrupts on if they were on at the fault: a pager may take long, and meanwhile this core answers
// other cores' IPIs.
class InterruptsAsBefore {
  public:
    explicit InterruptsAsBefore(const TrapFrame &frame) {
        if (cpu::Rflags::Interrupt::test(frame.rflags)) cpu::enable_interrupts();
    }
    ~InterruptsAsBefore() { cpu::disable_interrupts(); }
    InterruptsAsBefore(const InterruptsAsBefore &) = delete;
};

// True when a pager has provided the page.
rstate::Result<bool> ask_pager(Virt address, const TrapFrame &frame) {
    // A pager takes locks: a core that holds one, or that interrupted a holder, could wait for itself.
    if (cpu::in_interrupt() || cpu::holds_a_lock() || panicking()) return false;
    const InterruptsAsBefore as_before(frame);
    return TRY(world->space.handle_page_fault(address, frame.error_code), "asking a range's pager", address);
}

rstate::Result<> map_or_explain(Virt address, const TrapFrame &frame) {
    if (!world.made())
        return FAIL(unexpected_exception, "a page fault before the kernel has started memory management",
                    address, Virt(frame.rip));
    if (TRY(ask_pager(address, frame), "paging in", address)) return rstate::done();
    return describe_access(address, access_of(frame.error_code), frame);
}

} // namespace

void handle_page_fault(const TrapFrame &frame) {
    auto handled = map_or_explain(Virt(cpu::read_cr2()), frame);
    if (!handled.ok()) panic_trap(frame, handled.take_error());
}

rstate::Error describe_access(Virt address, vm::Access access, const TrapFrame &frame) {
    rstate::open_reserve(); // this error ends the kernel
    return WRAP(mm::to_error(world->space.explain(address, frame.error_code)),
                "the kernel touched what it may not", access_text(access), address, Virt(frame.rip));
}

} // namespace kernel
