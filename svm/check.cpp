// svm/check.cpp — the consistency checks of VMRUN, one line each, in the manual's order.
//
// APM vol 2 §15.5.1 "Basic Operation", under "Canonicalization and Consistency Checks"; §15.25.4 "Nested
// Paging and VMRUN/#VMEXIT"; §15.20 "Event Injection"; §15.10.1 "I/O Permissions Map"; §15.11 "MSR
// Intercepts".
//
// Three kinds of rules stand here:
//   - those that VMRUN checks and answers with VMEXIT_INVALID, for every cause the same;
//   - those that the manual demands and VMRUN does not check: reserved fields, canonical addresses. VMRUN
//     sign-extends some bases silently, so the guest would run with another address than the VMCB says;
//   - our own (containment), without which the guest could hold the core.
//
// Hazard: QEMU's TCG checks only some of them. A VMCB that always ran there may be refused by the first real
// processor. This file refuses it on every machine and names the broken rule.
#include "svm/check.h"

#include "cpu/registers.h"
#include "svm/codes.h"

namespace svm {

namespace {

using cpu::Cr0;
using cpu::Cr4;
using cpu::Efer;

// All bits that any processor defines (APM vol 2 §3.1.3 "CR4 Register", §3.1.7 "Extended Feature Enable
// Register (EFER)"). VMRUN refuses bits that this processor lacks as well; for the bits that our guests use
// there are rules below that name the feature.
constexpr u64 cr4_defined = 0x00F7'0FFF; // without LA57: the guest's tables have four levels
constexpr u64 efer_defined = 0x0036'FD01;

bool all_zero(const void *from, usize bytes) {
    const u8 *byte = static_cast<const u8 *>(from);
    for (usize i = 0; i < bytes; ++i)
        if (byte[i] != 0) return false;
    return true;
}
template <usize n> bool all_zero(const u8 (&gap)[n]) { return all_zero(gap, n); }

// The memory types UC, WC, WT, WP, WB and UC- (APM vol 2 §7.8.1 "PAT Register"); 2 and 3 are reserved. An
// invalid gPAT is an illegal state only with nested paging (§15.25.4), which is always on here.
bool pat_is_valid(u64 pat) {
    for (u32 field = 0; field < 8; ++field) {
        const u64 type = pat >> (8 * field) & 0xFF;
        if (type > 7 || type == 2 || type == 3) return false;
    }
    return true;
}

struct Rules {
    const Vmcb &vmcb;
    const cpu::Features &features;
    Broken broken{};

    void must(bool holds, const char *rule, u64 value) {
        if (!holds && broken.rule == nullptr) broken = {rule, value};
    }
    bool below_physical_limit(u64 address, u64 bytes) const {
        return address + bytes <= 1ul << features.physical_address_bits;
    }

    // The order is the manual's. Where clean bits are used, VMRUN checks the merged state: a value that the
    // processor cached can fail although the VMCB looks right (§15.5.1, "VMCB Clean field behavior").
    void control_registers() {
        const Save &s = vmcb.save;
        const bool paging = Cr0::Paging::test(s.cr0);
        const bool long_mode = Efer::LongModeEnable::test(s.efer);
        must(Efer::SvmEnable::test(s.efer), "EFER.SVME is set", s.efer);
        must((s.efer & ~efer_defined) == 0, "EFER's reserved bits are zero", s.efer);
        must(features.long_mode || !(long_mode || Efer::LongModeActive::test(s.efer)),
             "EFER.LMA and LME need a processor with long mode", s.efer);
        must(Cr0::CacheDisable::test(s.cr0) || !Cr0::NotWritethrough::test(s.cr0),
             "CR0.NW is set only with CR0.CD", s.cr0);
        must(s.cr0 >> 32 == 0, "CR0's upper half is zero", s.cr0);
        must((s.cr4 & ~cr4_defined) == 0, "CR4's reserved bits are zero", s.cr4);
        must(s.cr3 >> features.physical_address_bits == 0 || !paging,
             "CR3's bits above the physical limit are zero", s.cr3);
        must((s.cr3 & 0xFE7) == 0 || !long_mode, "CR3's reserved low bits are zero", s.cr3);
        must(!(long_mode && paging) || Cr4::PhysicalAddressExtensions::test(s.cr4),
             "EFER.LME and CR0.PG need CR4.PAE", s.cr4);
        must(!(long_mode && paging) || Cr0::ProtectionEnabled::test(s.cr0), "EFER.LME and CR0.PG need CR0.PE",
             s.cr0);
        must(!(long_mode && paging && Cr4::PhysicalAddressExtensions::test(s.cr4) &&
               Segment::Long::test(s.cs.attributes) && Segment::Default::test(s.cs.attributes)),
             "a code segment is not both 64-bit and 32-bit (CS.L and CS.D)", s.cs.attributes);
        must(Efer::LongModeActive::test(s.efer) == (long_mode && paging),
             "EFER.LMA says what LME and CR0.PG make it", s.efer);
        // Not in the manual's list but MBZ bits on a processor without the feature.
        must(features.umip || !Cr4::Umip::test(s.cr4), "CR4.UMIP needs a processor that has it", s.cr4);
        must(features.fs_gs_base || !Cr4::FsGsBase::test(s.cr4), "CR4.FSGSBASE needs a processor that has it",
             s.cr4);
        must(features.no_execute || !Efer::NoExecuteEnable::test(s.efer),
             "EFER.NXE needs a processor that has it", s.efer);
        // Reserved bits of S_CET are refused, and CR4.CET is never set.
        must(s.s_cet == 0, "shadow stacks are off", s.s_cet);
    }

    void processor_state() {
        const Save &s = vmcb.save;
        must(s.dr6 >> 32 == 0, "DR6's upper half is zero", s.dr6);
        must(s.dr7 >> 32 == 0, "DR7's upper half is zero", s.dr7);
        // VMRUN does not check the rest. For a RIP that is not canonical it delivers #GP to the guest, and it
        // sign-extends the bases of segments; the manual says nothing of the fixed bits of RFLAGS.
        must((s.rflags & 0x8028) == 0 && (s.rflags & 2) == 2 && s.rflags >> 22 == 0,
             "RFLAGS has its fixed bits", s.rflags);
        must(is_canonical(s.rip), "RIP is canonical", s.rip);
        must(is_canonical(s.fs.base) && is_canonical(s.gs.base), "the bases of FS and GS are canonical",
             s.fs.base);
        must(is_canonical(s.lstar), "LSTAR is canonical", s.lstar);
        // The processor takes CPL from its own field (§15.5.1, "Segment State in the VMCB"). SS.DPL must
        // agree, because the rest of the architecture, and code that emulates it, takes SS.DPL for the CPL.
        must(s.cpl == Segment::Dpl::get(s.ss.attributes), "CPL is the stack segment's DPL", s.cpl);
        must(Segment::Present::test(s.cs.attributes) && Segment::CodeOrData::test(s.cs.attributes),
             "the code segment is present", s.cs.attributes);
        must(all_zero(s.reserved_0a0) && s.reserved_0cc == 0, "the save area's gaps are zero", 0xA0);
    }

    void control_area() {
        const Control &c = vmcb.control;
        // Without the VMRUN intercept a guest could start its own guest, with intercepts of its choice.
        must(Intercept2::Vmrun::test(c.intercepts2), "VMRUN is intercepted", c.intercepts2);
        must(c.asid != 0, "the ASID is not the host's", c.asid);
        // The manual leaves open what a larger ASID does. QEMU accepts any.
        must(c.asid < features.asid_count, "the ASID is one that CPUID offers", c.asid);
        // The last byte of each map counts: three pages for ports, two for MSRs. VMRUN ignores the low twelve
        // bits, so an unaligned map would be read from another address, silently.
        must(is_aligned(c.iopm_base, page_size) && below_physical_limit(c.iopm_base, 3 * page_size),
             "the I/O permission map lies in physical memory", c.iopm_base);
        must(is_aligned(c.msrpm_base, page_size) && below_physical_limit(c.msrpm_base, 2 * page_size),
             "the MSR permission map lies in physical memory", c.msrpm_base);
        must(c.np_control == 1, "nested paging is on, and nothing else of its word", c.np_control);
        must((c.nested_cr3 & 0xFFF) == 0 && c.nested_cr3 >> features.physical_address_bits == 0 &&
                 c.nested_cr3 != 0,
             "the nested CR3 is a page in physical memory", c.nested_cr3);
        must(pat_is_valid(vmcb.save.g_pat), "every field of the guest's PAT is a memory type",
             vmcb.save.g_pat);
        // VMRUN delivers an injected event without asking the intercepts, through an IDT that the guest does
        // not have: the guest would end in a shutdown (§15.20).
        must(!Bits<31>::test(c.event_injection), "no event is injected", c.event_injection);
        // 3 and 7 are reserved without FlushByAsid (§15.16.1 "TLB Flush", table 15-9). QEMU never shows a
        // stale translation, so it would hide a command that hardware ignores.
        const bool known_flush =
            c.tlb_control == 0 || c.tlb_control == 1 || (c.tlb_control == 3 && features.flush_by_asid);
        must(known_flush, "TLB_CONTROL is an order that this processor knows", c.tlb_control);
        // Bits that are not defined for us must be clear as soon as anything was modified (§15.15.3).
        must((c.clean_bits & ~Clean::All::mask) == 0, "clean bits are set only for areas we use",
             c.clean_bits);
        must(features.vmcb_clean_bits || c.clean_bits == 0, "clean bits need a processor that has them",
             c.clean_bits);
        must(c.lbr_control == 0 || (c.lbr_control == 1 && features.lbr_virtualisation),
             "branch records are virtualised only where the processor can", c.lbr_control);
        must(c.avic_bar == 0 && c.ghcb == 0 && c.avic_backing_page == 0 && c.vmsa == 0,
             "what other features use is zero", c.avic_bar);
        // "Reserved, SBZ": later processors give meaning to these bytes, and old ones ignore them.
        must(all_zero(c.reserved_018) && c.reserved_0e8 == 0 && c.reserved_100 == 0,
             "the control area's gaps are zero", 0x18);
    }

    // Our rules, not VMRUN's: without any of these a guest could hold a core or reach the host. The reasons
    // stand in svm/intercepts.h and svm/vmcb_fields.h.
    void containment() {
        const Control &c = vmcb.control;
        must(VirtualInterrupt::Masking::test(c.virtual_interrupt), "the guest's interrupt flag is its own",
             c.virtual_interrupt);
        must((c.virtual_interrupt & ~(VirtualInterrupt::Masking::mask | VirtualInterrupt::Priority::mask)) ==
                 0,
             "no virtual interrupt waits", c.virtual_interrupt);
        must((c.intercepts1 & Intercept1::required) == Intercept1::required,
             "every event and instruction of word 1 is intercepted", c.intercepts1);
        must((c.intercepts2 & Intercept2::AllInstructions::mask) == Intercept2::AllInstructions::mask,
             "every instruction of word 2 is intercepted", c.intercepts2);
        must(c.exceptions == ~0u, "every exception is intercepted", c.exceptions);
        must(c.cr_reads == 0xFFFF && c.cr_writes == 0xFFFF && c.dr_reads == 0xFFFF && c.dr_writes == 0xFFFF,
             "every control and debug register is intercepted", c.cr_reads);
    }
};

} // namespace

Broken first_broken_rule(const Vmcb &vmcb, const cpu::Features &features) {
    Rules rules{vmcb, features};
    rules.control_registers();
    rules.processor_state();
    rules.control_area();
    rules.containment();
    return rules.broken;
}

rstate::Result<void> check_vmcb(const Vmcb &vmcb, const cpu::Features &features) {
    const Broken broken = first_broken_rule(vmcb, features);
    if (broken.rule != nullptr)
        return FAIL(vmcb_breaks_rule, "the VMCB breaks a rule of VMRUN", broken.rule, broken.value);
    return rstate::done();
}

} // namespace svm
