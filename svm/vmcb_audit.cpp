// svm/vmcb_audit.cpp — which fields each clean bit covers: APM vol 2 §15.15.3 "VMCB Clean Field".
//
// TLB_CONTROL, the interrupt shadow, the exit fields, event injection, RFLAGS, RIP, RSP and RAX belong to no
// bit: the processor never caches them.
#include "svm/vmcb_audit.h"

#include "base/hash.h"

namespace svm {

namespace {

constexpr const char *area_names[clean_areas] = {
    "intercepts",
    "permission maps",
    "ASID",
    "virtual interrupts",
    "nested paging",
    "control registers",
    "debug registers",
    "descriptor tables",
    "segments",
    "CR2",
    "branch records",
};

void add(Xxh64 &hash, const Segment &s) {
    hash.add_u64(s.selector | static_cast<u64>(s.attributes) << 16 | static_cast<u64>(s.limit) << 32);
    hash.add_u64(s.base);
}
template <class... Words> void add_all(Xxh64 &hash, Words... words) { (hash.add_u64(words), ...); }

// A hash and not a copy: eleven words for each machine instead of a page.
u64 area_sum(const Vmcb &vmcb, u32 area) {
    const Control &c = vmcb.control;
    const Save &s = vmcb.save;
    Xxh64 hash(area);
    switch (1ul << area) {
    // The third intercept word is hashed too, although it stays zero: a stray write would open instructions.
    case Clean::Intercepts::mask:
        add_all(hash, c.cr_reads, c.cr_writes, c.dr_reads, c.dr_writes, c.exceptions, c.intercepts1,
                c.intercepts2, c.intercepts3, c.pause_threshold, c.pause_count, c.tsc_offset);
        break;
    case Clean::Permissions::mask:
        add_all(hash, c.iopm_base, c.msrpm_base);
        break;
    case Clean::Asid::mask:
        add_all(hash, c.asid);
        break;
    // Without AVIC the whole word at 060h.
    case Clean::VirtualInterrupts::mask:
        add_all(hash, c.virtual_interrupt);
        break;
    case Clean::NestedPaging::mask:
        // The manual names nCR3 and gPAT; NP_ENABLE is hashed with them, because it must never change at all.
        add_all(hash, c.np_control, c.nested_cr3, s.g_pat);
        break;
    case Clean::ControlRegisters::mask:
        add_all(hash, s.cr0, s.cr3, s.cr4, s.efer);
        break;
    // DR6 changes without software: a guest's #DB writes it before the intercept (§15.12.2). That is the
    // processor's own write, so the area stays clean.
    case Clean::DebugRegisters::mask:
        add_all(hash, s.dr6, s.dr7);
        break;
    case Clean::DescriptorTables::mask:
        add(hash, s.gdtr), add(hash, s.idtr);
        break;
    // FS, GS, TR and LDTR are missing on purpose: VMLOAD reads them, and no clean bit covers them.
    case Clean::Segments::mask:
        add(hash, s.es), add(hash, s.cs), add(hash, s.ss), add(hash, s.ds), add_all(hash, s.cpl);
        break;
    case Clean::PageFaultAddress::mask:
        add_all(hash, s.cr2);
        break;
    // The guest's branches change the records at each entry, as the processor's own writes.
    case Clean::BranchRecords::mask:
        add_all(hash, c.lbr_control, s.debug_control, s.branch_from, s.branch_to, s.last_exception_from,
                s.last_exception_to);
        break;
    }
    return hash.digest();
}

} // namespace

rstate::Result<void> CheckedAudit::before_entry(const Vmcb &vmcb, u64 claimed_clean) const {
    for (u32 area = 0; area < clean_areas; ++area)
        if ((claimed_clean & 1ul << area) != 0 && area_sum(vmcb, area) != sums_[area])
            return FAIL(stale_clean_area, "an area of the VMCB changed although its clean bit is set",
                        area_names[area], claimed_clean);
    return rstate::done();
}

// #VMEXIT wrote the guest's state back, so page and cache agree now. What the guest changed itself needs no
// clean bit cleared (§15.15.2).
void CheckedAudit::after_exit(const Vmcb &vmcb) {
    for (u32 area = 0; area < clean_areas; ++area) sums_[area] = area_sum(vmcb, area);
}

} // namespace svm
