// kernel/entry/traps.cpp — every exception and interrupt, sorted: what is ours to serve, what a pager can
// mend, what is a bug.
#include "kernel/entry/traps.h"

#include "cpu/lock.h"
#include "cpu/ops.h"
#include "cpu/ticks.h"
#include "cpu/trace.h"
#include "guest/instruction.h"
#include "kernel/codes.h"
#include "kernel/entry/apic.h"
#include "kernel/panic/panic.h"
#include "kernel/panic/watchdog.h"
#include "kernel/reboot.h"
#include "kernel/world.h"

namespace kernel {

namespace {

constexpr cpu::TraceSite ticks{cpu::Phase::moment, "tick", "rip"};

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
    rstate::open_reserve(); // what is described ends the kernel
    return FAIL(unexpected_exception, "an exception that nothing in the kernel may raise", frame.vector,
                exception_text(frame.vector), frame.error_code, Virt(frame.rip));
}

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

rstate::Error describe_access(Virt address, vm::Access access, const TrapFrame &frame) {
    rstate::open_reserve();
    return WRAP(mm::to_error(world->space.explain(address, frame.error_code)),
                "the kernel touched what it may not", access_text(access), address, Virt(frame.rip));
}

// Interrupts on while they were on in what the exception came from: a pager may take its time, and meanwhile
// this core answers the others.
class InterruptsAsBefore {
  public:
    explicit InterruptsAsBefore(const TrapFrame &frame) {
        if (cpu::Rflags::Interrupt::test(frame.rflags)) cpu::enable_interrupts();
    }
    ~InterruptsAsBefore() { cpu::disable_interrupts(); }
    InterruptsAsBefore(const InterruptsAsBefore &) = delete;
};

rstate::Result<bool> ask_pager(Virt address, const TrapFrame &frame) {
    // A pager takes locks, and may wait for what this core would have to give back first.
    if (cpu::in_interrupt() || cpu::holds_a_lock() || panicking()) return false;
    const InterruptsAsBefore as_before(frame);
    return TRY(world->space.handle_page_fault(address, frame.error_code), "asking a range's pager", address);
}

// Either the page is there now, or the error says what the address is.
rstate::Result<> serve_page_fault(Virt address, const TrapFrame &frame) {
    if (!world.made())
        return FAIL(unexpected_exception, "a page fault before there is memory management", address);
    if (TRY(ask_pager(address, frame), "looking whether a page is to come", address)) return rstate::done();
    const auto access = frame.error_code & cpu::PageFaultCode::Fetch::mask   ? vm::Access::execute
                        : frame.error_code & cpu::PageFaultCode::Write::mask ? vm::Access::write
                                                                             : vm::Access::read;
    return describe_access(address, access, frame);
}

vm::Registers registers_of(const TrapFrame &f) {
    vm::Registers r;
    r.rax = f.rax, r.rbx = f.rbx, r.rcx = f.rcx, r.rdx = f.rdx;
    r.rsi = f.rsi, r.rdi = f.rdi, r.rbp = f.rbp, r.rsp = f.rsp;
    r.r8 = f.r8, r.r9 = f.r9, r.r10 = f.r10, r.r11 = f.r11;
    r.r12 = f.r12, r.r13 = f.r13, r.r14 = f.r14, r.r15 = f.r15;
    r.rip = f.rip;
    return r;
}

void note_tick(Core &core, const TrapFrame &frame) {
    cpu::trace(ticks, frame.rip);
    core.last_tick_rip = frame.rip;
    cpu::note_tick();
}

// An address that is not canonical leaves no trace in CR2: the instruction says which one it was.
rstate::Error describe_protection(const TrapFrame &frame) {
    if (!world.made()) return describe(frame);
    if (!is_canonical(frame.rip)) return describe_access(Virt(frame.rip), vm::Access::execute, frame);
    const boot::CoreArgs &args = *core_table[current_core()]->args;
    const u64 left = args.kernel_base + args.text_bytes - frame.rip;
    if (frame.rip - args.kernel_base >= args.text_bytes) return describe(frame);
    const Bytes code(reinterpret_cast<const u8 *>(frame.rip), min(left, guest::longest_instruction));
    const guest::Instruction instruction = guest::decode(code, registers_of(frame), 0, 0);
    if (!instruction.memory || is_canonical(instruction.address)) return describe(frame);
    return describe_access(Virt(instruction.address), instruction.access, frame);
}

// The processor could not deliver a fault, nearly always because it could not push onto the stack. CR2 may be
// another fault's, so it is the stack pointer that is explained.
rstate::Error describe_double_fault(const TrapFrame &frame) {
    const u64 pushed_to = is_canonical(frame.rsp) ? align_down(frame.rsp, 16) - 8 : frame.rsp;
    if (!world.made()) return describe(frame);
    rstate::open_reserve();
    const mm::Explanation what = world->space.explain(Virt(pushed_to), 0);
    if (what.code == &mm::forbidden_access) return describe(frame); // the stack is there
    return WRAP(mm::to_error(what), "the stack cannot take what a fault pushes", Virt(frame.rsp),
                Virt(frame.rip));
}

void serve_interrupt(TrapFrame &frame) {
    const cpu::InInterrupt serving;
    switch (frame.vector) {
    case timer_vector:
        note_tick(*core_table[current_core()], frame);
        end_of_interrupt();
        return watch_next_core();
    case tlb_shootdown_vector:
        end_of_interrupt();
        return world->tlb_shootdown.serve();
    case wake_vector:
        return end_of_interrupt();
    case retire_vector:
        end_of_interrupt();
        retire();
    case spurious_vector:
        return;
    case static_cast<u64>(cpu::Vector::nmi):
        if (panicking()) return stop_for_panic(frame);
        if (answer_watchdog(frame)) return;
        panic_trap(frame, FAIL(unexpected_exception, "an NMI that nobody here sent", frame.vector));
    default:
        panic_trap(frame, describe(frame));
    }
}

void serve_exception(TrapFrame &frame) {
    switch (static_cast<cpu::Vector>(frame.vector)) {
    case cpu::Vector::page_fault: {
        auto served = serve_page_fault(Virt(cpu::read_cr2()), frame);
        if (served.ok()) return;
        panic_trap(frame, served.take_error());
    }
    case cpu::Vector::double_fault:
        panic_trap(frame, describe_double_fault(frame));
    case cpu::Vector::general_protection:
    case cpu::Vector::stack_fault:
        panic_trap(frame, describe_protection(frame));
    default:
        panic_trap(frame, describe(frame));
    }
}

} // namespace

} // namespace kernel

extern "C" void trap(kernel::TrapFrame *frame) {
    using namespace kernel;
    if (is_interrupt(frame->vector))
        serve_interrupt(*frame);
    else
        serve_exception(*frame);
}
