// svm/enable.cpp — CPUID and VM_CR first, then EFER.SVME and VM_HSAVE_PA. APM vol 2 §15.4 "Enabling SVM".
//
// Per core: each of these registers belongs to one core, and firmware may have set up the cores differently.
// So each core checks for itself.
#include "svm/enable.h"

#include "cpu/ops.h"
#include "svm/codes.h"

namespace svm {

namespace {

// APM vol 2 §15.30.1 "VM_CR MSR (C001_0114h)". With SVMDIS set, EFER.SVME must be zero; CPUID reports SVM all
// the same. With LOCK set, writes to both bits are silently ignored, so the kernel cannot undo SVMDIS.
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
    // Read VM_CR only behind the CPUID bit: on a processor without SVM the MSR does not exist and raises #GP.
    // So does writing EFER.SVME with SVMDIS set, which is why this is a check and not an attempt.
    const u64 vm_cr = cpu::read_msr(cpu::Msr::vm_cr);
    if (VmCr::SvmDisable::test(vm_cr)) {
        if (VmCr::Lock::test(vm_cr))
            return FAIL(disabled_by_firmware,
                        "the firmware disabled and locked SVM: enable AMD-V (SVM mode) in its setup", vm_cr);
        return FAIL(disabled_by_firmware,
                    "the firmware left SVM disabled: enable AMD-V (SVM mode) in its setup", vm_cr);
    }
    // There is no shadow paging to fall back on: a reset finds dirty pages by the dirty bits of nested tables
    // (§15.25.3 "Enabling Nested Paging").
    if (!features.nested_paging)
        return FAIL(no_nested_paging, "SVM without nested paging: CPUID 8000_000Ah EDX bit 0 is clear",
                    features.asid_count);
    if (features.asid_count < 2) // ASID 0 is the host's
        return FAIL(not_supported, "no address space identifier is left for a guest", features.asid_count);
    return rstate::done();
}

rstate::Result<void> enable(const cpu::Features &features, Phys host_save_page) {
    TRY(check_support(features), "looking whether this core can run virtual machines", current_core());
    CHECK(host_save_page.page_aligned() && host_save_page.value() != 0,
          "the host save area is a page of its own", host_save_page);
    // SVME first: with it clear every SVM instruction is #UD, so nothing can use the host save area too
    // early.
    cpu::write_msr(cpu::Msr::efer, efer() | cpu::Efer::SvmEnable::mask);
    // §15.30.4 "VM_HSAVE_PA MSR (C001_0117h)": low twelve bits zero and below the physical limit, else #GP.
    // Before the first VMRUN, which saves the host's state there without asking whether it was set.
    cpu::write_msr(cpu::Msr::vm_hsave_pa, host_save_page.value());
    return rstate::done();
}

// GIF must be 1 here: with SVME clear, STGI may be #UD (§15.4 "Enabling SVM"), and the core would never take
// an interrupt again.
void disable() {
    cpu::write_msr(cpu::Msr::vm_hsave_pa, 0);
    cpu::write_msr(cpu::Msr::efer, efer() & ~cpu::Efer::SvmEnable::mask);
}

} // namespace svm
