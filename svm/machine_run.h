// svm/machine_run.h — Machine's way into the guest and out of it. Part of svm/machine.h.
#pragma once

#include "cpu/registers.h"
#include "cpu/ticks.h"
#include "cpu/trace.h"
#include "svm/check.h"
#include "svm/exit_codes.h"
#include "svm/machine.h"

namespace svm {

inline constexpr cpu::TraceSite guest_begins{cpu::Phase::begin, "guest", "vmcb", "rip"};
inline constexpr cpu::TraceSite guest_ends{cpu::Phase::end, "guest", "exit_code", "rip"};

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<vm::Exit> Machine<Memory, Frames, Audit>::run() {
    CHECK(core_->number() == current_core(), "a machine runs on the core that made it", core_->number());
    core_->load_vectors(*vectors_);
    for (;;) {
        TRY(enter(), "entering the guest", entry_.guest_vmcb, asid_.number);
        vm::Exit exit;
        const Action action =
            TRY(decode_exit(*vmcb_, exit), "understanding why the guest stopped", entry_.registers.rip);
        if (action != Action::deliver || exit.kind == vm::ExitKind::exception) {
            const bool goes_on = TRY(resolve(action, exit), "resolving what stopped the guest", exit.code,
                                     exit.address, entry_.registers.rip);
            if (goes_on) continue;
        }
        count(exit);
        return exit;
    }
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::enter() {
    load_registers();
    Control &c = control();
    const TlbControl flush =
        core_->features().flush_by_asid ? TlbControl::flush_this_asid : TlbControl::flush_all;
    c.tlb_control = static_cast<u32>(flush_.requested(memory_.epoch()) ? flush : TlbControl::keep);
    c.clean_bits = core_->features().vmcb_clean_bits ? next_clean_ : 0;
    if (!checked_) {
        TRY(check_vmcb(*vmcb_, core_->features()), "checking a VMCB that changed", entry_.guest_vmcb);
        checked_ = true;
    }
    TRY(flush_.check(c, memory_.epoch()), "looking whether a flush is owed", entry_.guest_vmcb);
    TRY(audit_.before_entry(*vmcb_, next_clean_), "looking whether clean areas are", entry_.guest_vmcb);

    const u64 cr3 = save().cr3;
    const u64 began = cpu::trace(guest_begins, entry_.guest_vmcb, save().rip);
    svm_enter(&entry_);
    const u64 ended = cpu::trace(guest_ends, c.exit_code, save().rip);

    memory_.statistics().guest_time += ended - began;
    ++memory_.statistics().exits;
    if (is_invalid(c.exit_code)) return refused();
    // Every write of CR3 is intercepted, so it comes back as it went in.
    if (save().cr3 != cr3)
        return FAIL(torn_exit, "the processor left the guest with a state that is not the guest's", cr3,
                    save().cr3, save().rip, c.exit_code);
    store_registers();
    flush_.done(c, memory_.epoch());
    next_clean_ = Clean::All::mask;
    audit_.after_exit(*vmcb_);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::load_registers() {
    const vm::Registers &r = entry_.registers;
    Save &s = save();
    s.rax = r.rax, s.rsp = r.rsp, s.rip = r.rip;
    // Interrupts on, as every program under Linux runs. The guest gets none, and V_INTR_MASKING makes the
    // host's flag decide what stops it; but Bochs looks at the guest's, and its timer would never end a loop.
    s.rflags = r.rflags | cpu::Rflags::Interrupt::mask;
    if (r.privilege == loaded_privilege_) return;
    load_privilege(s, r.privilege);
    loaded_privilege_ = r.privilege;
    touched(Clean::Segments::mask);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::store_registers() {
    vm::Registers &r = entry_.registers;
    const Save &s = save();
    r.rax = s.rax, r.rsp = s.rsp, r.rip = s.rip, r.rflags = s.rflags;
    r.privilege = loaded_privilege_ = privilege_of(s);
}

// The processor says only "invalid"; our own rules, asked once more, mostly know why.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Error Machine<Memory, Frames, Audit>::refused() const {
    const Broken broken = first_broken_rule(*vmcb_, core_->features());
    const char *const rule = broken.rule != nullptr ? broken.rule : "none of those we know";
    return FAIL(vmrun_refused, "VMRUN refused the VMCB", vmcb_->control.exit_code, rule, broken.value);
}

// True when the guest can go on; else `exit` is for whoever runs it.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<bool> Machine<Memory, Frames, Audit>::resolve(Action action, vm::Exit &exit) {
    switch (action) {
    case Action::deliver:
        if (core_->features().lbr_virtualisation) exit.branch_from = save().branch_from;
        return false;
    case Action::new_page: {
        const vm::Fault fault =
            TRY(memory_.fault(GuestPhys(exit.address), exit.access), "giving the guest a page", exit.address);
        return fault == vm::Fault::resolved;
    }
    case Action::tick:
        ++memory_.statistics().ticks;
        // Whatever interrupt it was has been served by now; other cores' requests take nobody's time away.
        if (deadline_ == 0 || cpu::ticks() - began_ < deadline_) return true;
        exit.kind = vm::ExitKind::deadline;
        return false;
    case Action::software_interrupt:
        TRY(resolve_software_interrupt(exit), "telling INT3 from INT n", entry_.registers.rip);
        return false;
    }
    return false;
}

// Some emulators give INT3 as INT n; with decode assists the number is in EXITINFO1 and INT3 is itself.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::resolve_software_interrupt(vm::Exit &exit) {
    if (core_->features().decode_assists) return rstate::done();
    constexpr u8 int3 = 0xCC;
    u8 opcode = 0;
    TRY(read(GuestVirt(entry_.registers.rip), MutableBytes(&opcode, 1)), "reading the guest's instruction");
    if (opcode != int3) return rstate::done();
    exit.kind = vm::ExitKind::exception;
    exit.vector = static_cast<u8>(cpu::Vector::breakpoint);
    exit.what = "#BP";
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::count(const vm::Exit &exit) {
    vm::Statistics &spent = memory_.statistics();
    switch (exit.kind) {
    case vm::ExitKind::hypercall:
        spent.system_calls += exit.privilege == vm::Privilege::supervisor;
        return;
    case vm::ExitKind::cpuid:
    case vm::ExitKind::msr:
    case vm::ExitKind::io:
    case vm::ExitKind::halt:
    case vm::ExitKind::other:
        ++spent.other_exits;
        return;
    default: // the case is over, and its verdict is counted where it is known
        return;
    }
}

} // namespace svm
