// kernel/entry/traps.cpp — dispatches every exception and interrupt to its handler, and describes exceptions
// that are bugs of the kernel.
#include "kernel/entry/traps.h"

#include "cpu/lock.h"
#include "cpu/ops.h"
#include "cpu/ticks.h"
#include "cpu/trace.h"
#include "guest/instruction.h"
#include "kernel/codes.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/machine_check.h"
#include "kernel/entry/page_fault.h"
#include "kernel/entry/stray.h"
#include "kernel/panic/panic.h"
#include "kernel/panic/watchdog.h"
#include "kernel/reboot.h"
#include "kernel/world.h"

extern "C" const u8 try_rdmsr[], try_wrmsr[], msr_refused[];

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
    default:
        return "an exception";
    }
}

rstate::Error describe(const TrapFrame &frame) {
    rstate::open_reserve(); // this error ends the kernel
    return FAIL(unexpected_exception, "the kernel raised an exception that it never may", frame.vector,
                exception_text(frame.vector), frame.error_code, Virt(frame.rip));
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

// An address that is not canonical raises #GP, and CR2 does not have it: the decoded instruction says which
// address it was.
rstate::Error describe_protection(const TrapFrame &frame) {
    if (!world.made()) return describe(frame);
    if (!is_canonical(frame.rip)) return describe_access(Virt(frame.rip), vm::Access::execute, frame);
    const boot::CoreArgs &args = *core_table[current_core()]->args;
    const u64 left = args.kernel_base + args.text_bytes - frame.rip;
    if (frame.rip - args.kernel_base >= args.text_bytes) return describe(frame);
    const Bytes code(reinterpret_cast<const u8 *>(frame.rip), min(left, vm::max_instruction_bytes));
    const guest::Instruction instruction = guest::decode(code, registers_of(frame), 0, 0);
    if (!instruction.memory || is_canonical(instruction.address)) return describe(frame);
    return describe_access(Virt(instruction.address), instruction.access, frame);
}

// The processor could not deliver an exception, nearly always because it could not push onto the stack. CR2
// may belong to another fault, so this explains the stack pointer.
rstate::Error describe_double_fault(const TrapFrame &frame) {
    const u64 pushed_to = is_canonical(frame.rsp) ? align_down(frame.rsp, 16) - 8 : frame.rsp;
    if (!world.made()) return describe(frame);
    rstate::open_reserve();
    const mm::Explanation what = world->space.explain(Virt(pushed_to), 0);
    if (what.code == &mm::forbidden_access) return describe(frame); // the stack is mapped
    return WRAP(mm::to_error(what), "the stack cannot take what a fault pushes", Virt(frame.rsp),
                Virt(frame.rip));
}

// System control port B: which line of the board raised the NMI (a BMC uses either).
const char *nmi_source() {
    constexpr u16 control_port_b = 0x61;
    constexpr u8 system_error = 1 << 7, io_check = 1 << 6;
    const u8 state = cpu::in8(control_port_b);
    if ((state & system_error) != 0)
        return "SERR#: a PCI device or the memory reports an error (port 61h bit 7)";
    if ((state & io_check) != 0) return "IOCHK#: a device or a BMC asks for a stop (port 61h bit 6)";
    return "port 61h names no source: a watchdog, a BMC, or a performance counter";
}

void handle_interrupt(TrapFrame &frame) {
    const cpu::InInterrupt serving;
    switch (frame.vector) {
    case timer_vector:
        note_tick(*core_table[current_core()], frame);
        end_of_interrupt();
        poll_machine_checks(frame);
        return watch_next_core();
    case tlb_shootdown_vector:
        end_of_interrupt();
        return world->tlb_shootdown.serve();
    case wake_vector:
        return end_of_interrupt();
    case stop_for_reboot_vector:
        end_of_interrupt();
        stop_for_reboot();
    case spurious_vector:
        return;
    case static_cast<u64>(cpu::Vector::nmi):
        if (panicking()) return stop_for_panic(frame);
        if (answer_watchdog(frame)) return;
        panic_trap(frame, FAIL(unexpected_exception, "an NMI that no core sent", frame.vector, nmi_source(),
                               Virt(frame.rip)));
    default:
        handle_stray(static_cast<u8>(frame.vector));
    }
}

// An access to an MSR that may be absent goes on as refused (hw/msr.asm).
bool refuse_msr(TrapFrame &frame) {
    const u64 rip = frame.rip;
    if (rip != reinterpret_cast<u64>(try_rdmsr) && rip != reinterpret_cast<u64>(try_wrmsr)) return false;
    frame.rip = reinterpret_cast<u64>(msr_refused);
    return true;
}

void handle_exception(TrapFrame &frame) {
    switch (static_cast<cpu::Vector>(frame.vector)) {
    case cpu::Vector::page_fault:
        return handle_page_fault(frame);
    case cpu::Vector::double_fault:
        panic_trap(frame, describe_double_fault(frame));
    case cpu::Vector::general_protection:
        if (refuse_msr(frame)) return;
        [[fallthrough]];
    case cpu::Vector::stack_fault:
        panic_trap(frame, describe_protection(frame));
    case cpu::Vector::machine_check:
        panic_trap(frame, describe_machine_check(frame));
    default:
        panic_trap(frame, describe(frame));
    }
}

} // namespace

} // namespace kernel

extern "C" void trap(kernel::TrapFrame *frame) {
    using namespace kernel;
    if (is_interrupt(frame->vector))
        handle_interrupt(*frame);
    else
        handle_exception(*frame);
}
