// svm/vmcb_audit.cpp — which fields each clean bit answers for: APM vol 2 §15.15.3 "VMCB Clean Field".
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

u64 area_sum(const Vmcb &vmcb, u32 area) {
    const Control &c = vmcb.control;
    const Save &s = vmcb.save;
    Xxh64 hash(area);
    switch (1ul << area) {
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
    case Clean::VirtualInterrupts::mask:
        add_all(hash, c.virtual_interrupt);
        break;
    case Clean::NestedPaging::mask:
        add_all(hash, c.np_control, c.nested_cr3, s.g_pat);
        break;
    case Clean::ControlRegisters::mask:
        add_all(hash, s.cr0, s.cr3, s.cr4, s.efer);
        break;
    case Clean::DebugRegisters::mask:
        add_all(hash, s.dr6, s.dr7);
        break;
    case Clean::DescriptorTables::mask:
        add(hash, s.gdtr), add(hash, s.idtr);
        break;
    case Clean::Segments::mask:
        add(hash, s.es), add(hash, s.cs), add(hash, s.ss), add(hash, s.ds), add_all(hash, s.cpl);
        break;
    case Clean::PageFaultAddress::mask:
        add_all(hash, s.cr2);
        break;
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
            return FAIL(stale_clean_area, "the VMCB changed where its clean bits say that it did not",
                        area_names[area], claimed_clean);
    return rstate::done();
}

void CheckedAudit::after_exit(const Vmcb &vmcb) {
    for (u32 area = 0; area < clean_areas; ++area) sums_[area] = area_sum(vmcb, area);
}

} // namespace svm
