// svm/vmcb_audit.h — what silicon punishes and emulators forgive: translations not flushed, clean bits that
// lie.
//
// The debt of a flush is kept always: it costs one compare for each entry. The checksums of clean areas cost
// hundreds of instructions, so a machine is made with `Careful` in tests and in development builds, and with
// `Trusting` otherwise.
#pragma once

#include "base/check.h"
#include "rstate/result.h"
#include "svm/codes.h"
#include "svm/vmcb.h"

namespace svm {

// Knows which epoch of the nested tables the processor's translations are from.
class TlbFlushTracker final {
  public:
    bool requested(u64 epoch) const { return epoch != flushed_; }
    // The guest's translations are void for another reason: a new CR3, a new ASID.
    void request() { flushed_ = never; }

    rstate::Result<void> check(const Control &control, u64 epoch) const {
        if (requested(epoch) && control.tlb_control == static_cast<u32>(TlbControl::keep))
            return FAIL(missing_flush, "the guest would run on translations from before a change", epoch,
                        flushed_, control.asid);
        return rstate::done();
    }
    void done(const Control &control, u64 epoch) {
        if (control.tlb_control != static_cast<u32>(TlbControl::keep)) flushed_ = epoch;
    }

  private:
    static constexpr u64 never = 0; // epochs begin with 1
    u64 flushed_ = never;
};

constexpr u32 clean_areas = 11;

// Compares every area that is claimed clean with what the last exit left.
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
