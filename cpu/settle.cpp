// cpu/settle.cpp — see settle.h.
#include "cpu/settle.h"

#include "cpu/ops.h"

namespace cpu {

namespace {

// Long mode and no-execute, nothing else. With FFXSR, FXSAVE and FXRSTOR leave XMM0 to XMM15 out in ring 0
// (APM vol 2 §3.1.7), and a guest would keep the vector registers of the case before. SVME is for
// svm::enable.
constexpr u64 efer = Efer::LongModeEnable::mask | Efer::LongModeActive::mask | Efer::NoExecuteEnable::mask;

// What stage1/long_mode.inc begins with, and the protection that this processor has: the kernel then neither
// executes nor reads pages that a stray mapping marks as user pages. A machine check without MCE is a
// shutdown, which resets the machine without a word (APM vol 2 §3.1.3 "CR4 Register").
u64 cr4(const Features &features) {
    return Cr4::PhysicalAddressExtensions::mask | Cr4::Osfxsr::mask |
           (features.machine_check ? Cr4::MachineCheckEnable::mask : 0) |
           (features.smep ? Cr4::Smep::mask : 0) | (features.smap ? Cr4::Smap::mask : 0) |
           (features.umip ? Cr4::Umip::mask : 0);
}

// Pages that are in caches under their old type must leave them, and the TLB keeps types: APM vol 2 §7.8
// "Page-Attribute Table Mechanism".
void set_pat() {
    if (read_msr(Msr::pat) == pat_value) return;
    write_msr(Msr::pat, pat_value);
    wbinvd();
    write_cr3(read_cr3());
}

} // namespace

// Each bit of the base register on its own: a core cannot go from off to x2APIC mode at once, nor back to
// xAPIC mode (APM vol 2 §16.9 "Detecting and Enabling x2APIC Mode").
void enable_x2apic() {
    const bool is_listed = Bits<21>::test(cpuid(1).ecx);
    const u64 base = read_msr(Msr::apic_base);
    if (!ApicBase::ApicEnable::test(base)) write_msr(Msr::apic_base, base | ApicBase::ApicEnable::mask);
    if (is_listed && !ApicBase::X2apicEnable::test(base))
        write_msr(Msr::apic_base, base | ApicBase::ApicEnable::mask | ApicBase::X2apicEnable::mask);
}

ErrataResult settle_core(const Features &features) {
    write_cr4(cr4(features));
    write_cr0(read_cr0() | Cr0::WriteProtect::mask);
    write_msr(Msr::efer, efer);
    set_pat();
    write_dr7(dr7_at_reset);
    write_msr(Msr::debug_ctl, 0); // no single steps by branches, no last-branch records
    // No IBRS, STIBP, SSBD or PSFD: they slow every branch and load down, and protect owners that are not
    // here.
    if (features.spec_ctrl) write_msr(Msr::spec_ctrl, 0);
    // RDPID and RDTSCP show it in the guest, where no intercept can hide it: the same on every core.
    if (features.tsc_aux) write_msr(Msr::tsc_aux, 0);
    enable_x2apic();
    return apply_errata(features);
}

} // namespace cpu
