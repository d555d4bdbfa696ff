// svm/enable.h — switching SVM on for one core, or saying in one chain why that is impossible.
#pragma once

#include "base/addr.h"
#include "cpu/features.h"
#include "rstate/result.h"

namespace svm {

// Whether this core can run machines: SVM present, not disabled by firmware, nested paging present.
rstate::Result<void> check_support(const cpu::Features &features);

// Sets EFER.SVME and gives the processor the page in which VMRUN keeps the host's state. The page belongs to
// this core until `disable`; nothing may ever read or write it.
rstate::Result<void> enable(const cpu::Features &features, Phys host_save_page);
void disable();

} // namespace svm
