// svm/vmcb_audit.h — checks that hardware needs and emulators do not enforce: missing TLB flushes, and VMCB
// clean bits that are set although the area changed.
//
// TlbFlushTracker is always on: one compare for each entry. Hashing the clean areas costs hundreds of
// instructions, so a machine uses `CheckedAudit` in tests and development builds, and `UncheckedAudit`
// otherwise.
#pragma once

#include "base/check.h"
#include "rstate/result.h"
#include "svm/codes.h"
#include "svm/vmcb.h"

namespace svm {

// Tracks requested TLB flushes: which epoch of the nested tables the processor's translations are from.
//
// When a flush is needed (APM vol 2 §15.16 "TLB Control", §15.16.1 "TLB Flush"):
//   - a nested entry lost permissions, its presence or its frame, or its dirty bit: the epoch rose;
//   - CR3 changed in the VMCB: VMRUN loads it without flushing ("Software Rule");
//   - the ASID is new to this machine: another machine's translations may carry it.
// An entry that only gains permissions needs none: at worst the guest faults once more.
//
// With nested paging INVLPGA is no alternative: it invalidates by guest-virtual address (§15.16.2 "Invalidate
// Page, Alternate ASID"), and a reset knows guest-physical ones.
class TlbFlushTracker final {
  public:
    bool requested(u64 epoch) const { return epoch != flushed_; }
    // For the reasons that the epoch does not cover: a new CR3, a new ASID.
    void request() { flushed_ = never; }

    // This never fails while the machine calls requested(). It finds a later change that forgets to: QEMU
    // would go on, and hardware would run the guest on another case's memory.
    rstate::Result<void> check(const Control &control, u64 epoch) const {
        if (requested(epoch) && control.tlb_control == static_cast<u32>(TlbControl::keep))
            return FAIL(missing_flush, "a flush was requested, and VMRUN would run the guest without it",
                        epoch, flushed_, control.asid);
        return rstate::done();
    }
    // After the exit: the processor flushed at VMRUN if TLB_CONTROL said so.
    void done(const Control &control, u64 epoch) {
        if (control.tlb_control != static_cast<u32>(TlbControl::keep)) flushed_ = epoch;
    }

  private:
    static constexpr u64 never = 0; // epochs begin with 1
    u64 flushed_ = never;
};

constexpr u32 clean_areas = 11;

// Compares every area whose clean bit is set with the area as the last exit left it. It is given the bits
// that would be set, so it finds mistakes on processors without clean bits too.
class CheckedAudit final {
  public:
    rstate::Result<void> before_entry(const Vmcb &vmcb, u64 claimed_clean) const;
    void after_exit(const Vmcb &vmcb);

  private:
    u64 sums_[clean_areas] = {};
};

class UncheckedAudit final {
  public:
    rstate::Result<void> before_entry(const Vmcb &, u64) const { return rstate::done(); }
    void after_exit(const Vmcb &) {}
};

using DefaultAudit = std::conditional_t<every_check_is_on, CheckedAudit, UncheckedAudit>;

} // namespace svm
