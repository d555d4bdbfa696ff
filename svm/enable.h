// svm/enable.h — switches SVM on for one core, or explains in one error chain why that is impossible.
#pragma once

#include "base/addr.h"
#include "cpu/features.h"
#include "rstate/result.h"

namespace svm {

// Whether this core can run machines: SVM present, not disabled by firmware, nested paging present.
rstate::Result<void> check_support(const cpu::Features &features);

// Sets EFER.SVME and VM_HSAVE_PA, the page in which VMRUN may keep the host's state. The page belongs to this
// core until `disable`. Software must not read or write it: the format differs from model to model, and parts
// of the state may stay on the chip (APM vol 2 §15.5.1 "Basic Operation", "Saving Host State").
rstate::Result<void> enable(const cpu::Features &features, Phys host_save_page);
void disable();

} // namespace svm
