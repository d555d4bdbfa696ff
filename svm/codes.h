// svm/codes.h — error codes of AMD-V. Each one asks its reader for a different action.
#pragma once

#include "rstate/site.h"

namespace svm {

// The processor does not have SVM at all: another machine, or another -cpu for QEMU.
inline constexpr rstate::Code not_supported{"svm.not_supported"};
// The processor has SVM, and the firmware disabled it: a setting in the firmware's setup.
inline constexpr rstate::Code disabled_by_firmware{"svm.disabled_by_firmware"};
// The processor has SVM without nested paging, which everything here needs.
inline constexpr rstate::Code no_nested_paging{"svm.no_nested_paging"};
// More machines on one core than it has ASIDs.
inline constexpr rstate::Code out_of_asids{"svm.out_of_asids"};
// svm/check.h found that VMRUN would or should refuse this VMCB.
inline constexpr rstate::Code vmcb_breaks_rule{"svm.vmcb_breaks_rule"};
// VMRUN refused the VMCB (VMEXIT_INVALID) although our check accepted it or was skipped.
inline constexpr rstate::Code vmrun_refused{"svm.vmrun_refused"};
// A nested table changed, and VMRUN was about to run the guest without the flush that this needs.
inline constexpr rstate::Code missing_flush{"svm.missing_flush"};
// An area of the VMCB changed although its clean bit is set, so the processor may not read it.
inline constexpr rstate::Code stale_clean_area{"svm.stale_clean_area"};
// After #VMEXIT the VMCB holds registers that the guest cannot have.
inline constexpr rstate::Code torn_exit{"svm.torn_exit"};
// An exit code that svm/exit_codes.h does not have.
inline constexpr rstate::Code unknown_exit{"svm.unknown_exit"};
// The hardware reported an error of its own (#MC) while a guest ran. It is no finding of the target.
inline constexpr rstate::Code machine_check{"svm.machine_check"};

} // namespace svm
