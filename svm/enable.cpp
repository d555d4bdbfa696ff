// svm/enable.cpp — CPUID and VM_CR first, then EFER.SVME and VM_HSAVE_PA. APM vol 2 §15.4 "Enabling SVM".
#include "svm/enable.h"

#include "cpu/ops.h"
#include "svm/codes.h"

namespace svm {

namespace {

// APM vol 2 §15.30.1 "VM_CR MSR (C001_0114h)"
struct VmCr {
    using Lock = Bits<3>;
    using SvmDisable = Bits<4>;
};

u64 efer() { return cpu::read_msr(cpu::Msr::efer); }

} // namespace

rstate::Result<void> check_support(const cpu::Features &features) {
    if (!features.svm)
        return FAIL(not_supported, "this processor has no SVM (AMD-V): CPUID 8000_0001h ECX bit 2 is clear",
                    features.amd);
    // With SVMDIS set, writing EFER.SVME would be a general-protection fault; LOCK tells who can clear it.
    const u64 vm_cr = cpu::read_msr(cpu::Msr::vm_cr);
    if (VmCr::SvmDisable::test(vm_cr)) {
        if (VmCr::Lock::test(vm_cr))
            return FAIL(disabled_by_firmware,
                        "the firmware disabled and locked SVM: enable AMD-V (SVM mode) in its setup", vm_cr);
        return FAIL(disabled_by_firmware,
                    "the firmware left SVM disabled: enable AMD-V (SVM mode) in its setup", vm_cr);
    }
    if (!features.nested_paging)
        return FAIL(no_nested_paging, "SVM without nested paging: CPUID 8000_000Ah EDX bit 0 is clear",
                    features.asid_count);
    if (features.asid_count < 2)
        return FAIL(not_supported, "no address space identifier is left for a guest", features.asid_count);
    return rstate::done();
}

rstate::Result<void> enable(const cpu::Features &features, Phys host_save_page) {
    TRY(check_support(features), "looking whether this core can run virtual machines", current_core());
    CHECK(host_save_page.page_aligned() && host_save_page.value() != 0,
          "the host save area is a page of its own", host_save_page);
    cpu::write_msr(cpu::Msr::efer, efer() | cpu::Efer::SvmEnable::mask);
    cpu::write_msr(cpu::Msr::vm_hsave_pa, host_save_page.value());
    return rstate::done();
}

void disable() {
    cpu::write_msr(cpu::Msr::vm_hsave_pa, 0);
    cpu::write_msr(cpu::Msr::efer, efer() & ~cpu::Efer::SvmEnable::mask);
}

} // namespace svm
