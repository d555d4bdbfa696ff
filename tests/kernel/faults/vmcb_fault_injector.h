// tests/kernel/faults/vmcb_fault_injector.h — injected bugs in a machine's VMCB. Only tests include this.
#pragma once

#include "svm/machine.h"

namespace svm {

template <class Machine> class VmcbFaultInjector final {
  public:
    explicit VmcbFaultInjector(Machine &machine) : machine_(machine) {}

    // The next run hands VMRUN a VMCB that it must refuse, past our own check: svm.vmrun_refused.
    void refused_by_the_processor() {
        break_rule();
        machine_.checked_ = true;
    }
    // The same, and our own check sees it first: svm.vmcb_breaks_rule.
    void refused_by_our_check() {
        break_rule();
        machine_.checked_ = false;
    }
    // A field changes although its clean bit stays set: svm.stale_clean_area, with CheckedAudit.
    void changed_behind_clean_bits() { machine_.save().g_pat ^= 0x0706; }

    Vmcb &vmcb() { return *machine_.vmcb_; }

  private:
    void break_rule() { machine_.control().intercepts2 &= ~static_cast<u32>(Intercept2::Vmrun::mask); }

    Machine &machine_;
};

} // namespace svm
