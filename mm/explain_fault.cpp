// mm/explain_fault.cpp — what a page fault means, by the address alone and by its page-table entry.
#include "cpu/registers.h"
#include "mm/bootstrap.h"
#include "mm/explain.h"

namespace mm {

bool explain_by_value(Explanation &what) {
    const u64 address = what.address.value();
    if (looks_uninitialised(address))
        what.set(uninitialised_pointer, "a pointer read out of memory that was never written");
    else if (!is_canonical(address))
        what.set(wild_access, "not canonical");
    else if (address >= 0 - kept_free_at_ends)
        what.set(null_access, "just before the null address");
    else if (address < kept_free_at_ends)
        what.set(null_access, "near the null address");
    return what.code != nullptr;
}

void explain_by_entry(Explanation &what, Entry entry, u64 fault_code) {
    using Fault = cpu::PageFaultCode;
    if (what.range.state == RangeState::freed)
        return what.set(use_after_free, what.inside() ? "use after free" : "beside a range that was freed");
    if (entry.present() && Fault::Fetch::test(fault_code))
        return what.set(forbidden_access, "execution of data");
    if (entry.present())
        return what.set(forbidden_access, Fault::Write::test(fault_code) ? "write to constant memory"
                                                                         : "mapped: the fault is stale");
    switch (absent_kind(entry)) {
    case AbsentKind::reserved:
        return what.set(not_backed, "reserved, and nothing is mapped yet");
    case AbsentKind::lazy:
        return what.set(not_backed, "lazy, and its pager was not asked or failed");
    default:
        return what.set(out_of_bounds, what.address < what.range.block ? "underflow: before a live range"
                                                                       : "overflow: behind a live range");
    }
}

} // namespace mm
