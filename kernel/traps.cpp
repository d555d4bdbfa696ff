// kernel/traps.cpp — every exception and interrupt, sorted: what is ours to serve, what a pager can mend,
// what is a bug.
#include "kernel/traps.h"

#include "cpu/ops.h"
#include "kernel/apic.h"
#include "kernel/codes.h"
#include "kernel/panic.h"
#include "kernel/world.h"

namespace kernel {

namespace {

const char *exception_text(u64 vector) {
    switch (static_cast<cpu::Vector>(vector)) {
    case cpu::Vector::divide_error:
        return "division by zero";
    case cpu::Vector::invalid_opcode:
        return "an instruction this processor does not have";
    case cpu::Vector::double_fault:
        return "a fault while another was being delivered";
    case cpu::Vector::stack_fault:
        return "a stack address that is not canonical";
    case cpu::Vector::general_protection:
        return "a general protection fault: often an address that is not canonical";
    case cpu::Vector::machine_check:
        return "the hardware reports an error of its own";
    default:
        return "an exception";
    }
}

rstate::Error describe(const TrapFrame &frame) {
    return FAIL(unexpected_exception, "an exception that nothing in the kernel may raise", frame.vector,
                exception_text(frame.vector), frame.error_code, Virt(frame.rip));
}

// Either the page is there now, or the error says what the address is.
rstate::Result<> serve_page_fault(Virt address, const TrapFrame &frame) {
    if (!world.made())
        return FAIL(unexpected_exception, "a page fault before there is memory management", address);
    if (frame.vector == static_cast<u64>(cpu::Vector::page_fault) &&
        TRY(world->space.resolve_fault(address, frame.error_code), "asking a range's pager", address))
        return rstate::done();
    const auto access = frame.error_code & cpu::PageFaultCode::Fetch::mask   ? "executing"
                        : frame.error_code & cpu::PageFaultCode::Write::mask ? "writing"
                                                                             : "reading";
    return WRAP(mm::to_error(world->space.explain(address, frame.error_code)),
                "the kernel touched what it may not", access, address, Virt(frame.rip));
}

} // namespace

} // namespace kernel

extern "C" void trap(kernel::TrapFrame *frame) {
    using namespace kernel;
    switch (frame->vector) {
    case timer_vector:
        core_table[current_core()]->last_tick_rip = frame->rip;
        return end_of_interrupt();
    case shoot_down_vector:
        end_of_interrupt();
        return world->shoot_down.serve();
    case wake_vector:
        return end_of_interrupt();
    case spurious_vector:
        return;
    case static_cast<u64>(cpu::Vector::nmi):
        if (panicking()) stop_for_panic(*frame);
        panic_trap(*frame, FAIL(unexpected_exception, "an NMI that nobody here sent", frame->vector));
    case static_cast<u64>(cpu::Vector::double_fault): // most often a stack overflow: the address says so
    case static_cast<u64>(cpu::Vector::page_fault): {
        auto served = serve_page_fault(Virt(cpu::read_cr2()), *frame);
        if (served.ok()) return;
        panic_trap(*frame, served.take_error());
    }
    default:
        panic_trap(*frame, describe(*frame));
    }
}
