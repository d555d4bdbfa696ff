// svm/codes.h — what can go wrong with AMD-V, each a different thing to do for the person who reads it.
#pragma once

#include "rstate/site.h"

namespace svm {

// The processor does not have SVM at all: another machine, or another -cpu for QEMU.
inline constexpr rstate::Code not_supported{"svm.not_supported"};
// It has SVM, and the firmware switched it off: a setting in the firmware's setup.
inline constexpr rstate::Code disabled_by_firmware{"svm.disabled_by_firmware"};
// It has SVM without nested paging, on which everything here stands.
inline constexpr rstate::Code no_nested_paging{"svm.no_nested_paging"};
// More machines on one core than it has address space identifiers.
inline constexpr rstate::Code out_of_asids{"svm.out_of_asids"};
// Our own check found that VMRUN would or should refuse this VMCB.
inline constexpr rstate::Code vmcb_breaks_rule{"svm.vmcb_breaks_rule"};
// VMRUN refused it, our check notwithstanding or because it was passed by.
inline constexpr rstate::Code vmrun_refused{"svm.vmrun_refused"};
// A nested table changed and the guest would run on translations from before.
inline constexpr rstate::Code missing_flush{"svm.missing_flush"};
// A part of the VMCB changed that the clean bits tell the processor not to read again.
inline constexpr rstate::Code stale_clean_area{"svm.stale_clean_area"};
// The processor came out of the guest with registers that the guest cannot have.
inline constexpr rstate::Code torn_exit{"svm.torn_exit"};
// An exit code that no processor we know gives.
inline constexpr rstate::Code unknown_exit{"svm.unknown_exit"};
// The hardware reports that it is broken (#MC) while a guest ran: no fault of the guest's.
inline constexpr rstate::Code machine_check{"svm.machine_check"};

} // namespace svm
