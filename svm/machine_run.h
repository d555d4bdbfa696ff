// svm/machine_run.h — Machine: entry into the guest, exit, and the exits that it resolves itself. Part of
// svm/machine.h.
//
// Order before VMRUN: registers, TLB_CONTROL and clean bits are written, then the checks run. A failing check
// leaves the guest as it was; nothing has been executed.
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
    // On another core the ASID would be another machine's, and the VMCB's cached copy would be missing or
    // stale.
    CHECK(core_->number() == current_core(), "a machine runs on the core that made it", core_->number());
    core_->load_vectors(*vectors_);
    for (;;) {
        TRY(enter(), "entering the guest", entry_.guest_vmcb, asid_.number);
        vm::Exit exit;
        const Action action = TRY(decode_exit(*vmcb_, exit), "decoding the exit", entry_.registers.rip);
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
    // By ASID where the processor can: flush_all would drop the host's translations too, at every reset.
    const TlbControl flush =
        core_->features().flush_by_asid ? TlbControl::flush_this_asid : TlbControl::flush_all;
    // Written at every entry, because the processor does not clear it (§15.16.1 "TLB Flush").
    c.tlb_control = static_cast<u32>(flush_.requested(memory_.epoch()) ? flush : TlbControl::keep);
    // Processors without the feature do not read the field (§15.15.1 "VMCB Clean Bits"). Zero is written all
    // the same, so that the VMCB shows what was in effect.
    c.clean_bits = core_->features().vmcb_clean_bits ? next_clean_ : 0;
    // Not at every entry: RIP, RSP, RAX and RFLAGS change each time, and only RFLAGS and RIP of them have
    // rules. A RIP that is not canonical is a #GP in the guest, not a refused VMCB.
    if (!checked_) {
        make_bases_canonical(save());
        TRY(check_vmcb(*vmcb_, core_->features()), "checking a VMCB that changed", entry_.guest_vmcb);
        checked_ = true;
    }
    TRY(flush_.check(c, memory_.epoch()), "checking for a missing flush", entry_.guest_vmcb);
    TRY(audit_.before_entry(*vmcb_, next_clean_), "checking the clean areas of the VMCB", entry_.guest_vmcb);

    // The time stamps stand as close to the switch as possible: the difference is the guest's time.
    const u64 cr3 = save().cr3;
    const u64 began = cpu::trace(guest_begins, entry_.guest_vmcb, save().rip);
    // Everything that the processor reads must be in memory by now: the compiler cannot see what svm_enter
    // does with the VMCB, and keeps no value of it across the call.
    svm_enter(&entry_);
    const u64 ended = cpu::trace(guest_ends, c.exit_code, save().rip);

    memory_.statistics().guest_time += ended - began;
    ++memory_.statistics().exits;
    if (is_invalid(c.exit_code)) return refused();
    // Every write of CR3 is intercepted, so #VMEXIT stores the same value as VMRUN loaded. Another value
    // means that the saved state is not the guest's: an emulator's race (docs/caveats.md), or a shutdown,
    // after which the state is undefined (§15.14.3 "Shutdown Intercept"). Nothing of it may become a finding.
    if (save().cr3 != cr3)
        return FAIL(torn_exit, "after #VMEXIT the saved state is not the guest's", cr3, save().cr3,
                    save().rip, c.exit_code);
    store_registers();
    flush_.done(c, memory_.epoch());
    // From here on only software can make page and cache differ, and it calls `touched`.
    next_clean_ = Clean::All::mask;
    audit_.after_exit(*vmcb_);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::load_registers() {
    const vm::Registers &r = entry_.registers;
    Save &s = save();
    s.rax = r.rax, s.rsp = r.rsp, s.rip = r.rip;
    // IF is set, as for every program under Linux. The guest gets no interrupt, and with V_INTR_MASKING the
    // host's IF decides what stops it (§15.21.1 "Physical (INTR) Interrupt Masking in EFLAGS"). But Bochs
    // uses the guest's IF: with it clear the timer would never end a loop there.
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
    // The rest of the guest's registers is in entry_ already: svm_enter stored them.
    r.rax = s.rax, r.rsp = s.rsp, r.rip = s.rip, r.rflags = s.rflags;
    // SYSCALL may have changed it: it loads CS, SS and CPL without an exit.
    r.privilege = loaded_privilege_ = privilege_of(s);
}

// VMEXIT_INVALID names no cause, so our own rules are checked again: mostly one of them is broken.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Error Machine<Memory, Frames, Audit>::refused() const {
    const Broken broken = first_broken_rule(*vmcb_, core_->features());
    const char *const rule = broken.rule != nullptr ? broken.rule : "none of our rules";
    return FAIL(vmrun_refused, "VMRUN refused the VMCB", vmcb_->control.exit_code, rule, broken.value);
}

// True when the guest can continue; otherwise run() returns `exit`.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<bool> Machine<Memory, Frames, Audit>::resolve(Action action, vm::Exit &exit) {
    switch (action) {
    case Action::deliver:
        // #VMEXIT stored the guest's records (§15.23.1 "Hardware Acceleration for LBR Virtualization"). For a
        // jump to a wild address this is where it came from: RIP no longer says.
        if (core_->features().lbr_virtualisation) exit.branch_from = save().branch_from;
        return false;
    // A nested fault loses nothing: the instruction has not been executed and runs again.
    case Action::new_page: {
        const vm::Fault fault =
            TRY(memory_.fault(GuestPhys(exit.address), exit.access), "giving the guest a page", exit.address);
        return fault == vm::Fault::resolved;
    }
    case Action::tick:
        ++memory_.statistics().ticks;
        // The case deadline. The host has served the interrupt, whichever it was. Only ticks of this core's
        // timer count: requests of other cores must not shorten a case.
        if (deadline_ == 0 || cpu::ticks() - began_ < deadline_) return true;
        exit.kind = vm::ExitKind::deadline;
        return false;
    case Action::software_interrupt:
        TRY(resolve_software_interrupt(exit), "distinguishing INT3 from INT n", entry_.registers.rip);
        return false;
    }
    return false;
}

// INT n has an intercept of its own, and INT3 is the #BP exception (§15.12.4 "#BP (Breakpoint)"). Some
// emulators report INT3 as INT n, so the opcode decides; and they run either with LOCK, which is #UD. A
// processor with decode assists reports them correctly, and has the number of INT n in EXITINFO1 (§15.8.2
// "INTn Intercepts"), which no target needs.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::resolve_software_interrupt(vm::Exit &exit) {
    if (core_->features().decode_assists) return rstate::done();
    constexpr u8 int3 = 0xCC;
    const CodeBytes code = TRY(read_code(), "reading the guest's instruction");
    const vm::Prefixes prefixes = vm::read_prefixes(code.bytes());
    if (prefixes.count == code.count) return rstate::done();
    const bool is_int3 = code.data[prefixes.count] == int3;
    if (!is_int3 && !prefixes.lock) return rstate::done();
    // RIP is that of the instruction in all forms, as for the exception intercept (§15.12 "Exception
    // Intercepts").
    exit.kind = vm::ExitKind::exception;
    const cpu::Vector vector = prefixes.lock ? cpu::Vector::invalid_opcode : cpu::Vector::breakpoint;
    exit.vector = static_cast<u8>(vector);
    exit.what = prefixes.lock ? "#UD" : "#BP";
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::count(const vm::Exit &exit) {
    vm::Statistics &spent = memory_.statistics();
    switch (exit.kind) {
    case vm::ExitKind::cpuid:
        ++spent.cpuid_exits;
        return;
    case vm::ExitKind::time_stamp:
    case vm::ExitKind::msr:
    case vm::ExitKind::io:
    case vm::ExitKind::halt:
    case vm::ExitKind::other:
        ++spent.other_exits;
        return;
    default: // these end the case; fuzz/ counts them by their outcome
        return;
    }
}

} // namespace svm
