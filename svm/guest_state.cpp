// svm/guest_state.cpp — the first state of a guest, field by field with its reason.
#include "svm/guest_state.h"

#include "cpu/registers.h"

namespace svm {

namespace {

using cpu::Cr0;
using cpu::Cr4;
using cpu::Efer;

// Selectors as Linux has them, because targets print and compare them. There is no descriptor table behind
// them: loading one of them, or any other but zero, faults in the guest.
constexpr Segment user_code{0x33, 0xAFB, 0xFFFF'FFFF, 0};
constexpr Segment user_stack{0x2B, 0xCF3, 0xFFFF'FFFF, 0};
constexpr Segment supervisor_code{0x10, 0xA9B, 0xFFFF'FFFF, 0};
constexpr Segment supervisor_stack{0x18, 0xC93, 0xFFFF'FFFF, 0};
// SYSCALL takes CS from bits 47..32 and SS 8 above; nobody uses SYSRET (APM vol 2 §6.1.1 "SYSCALL and
// SYSRET").
constexpr u64 star = 0x0023'0010ul << 32;
// Flags that SYSCALL clears: trap, interrupt, direction, IOPL, nested task, alignment check.
constexpr u64 system_call_flag_mask = 0x4'7700;

// A TSS of no length: an IN or OUT in ring 3 is a #GP before anything is read (APM vol 2 §12.2.4 "64-Bit Task
// State Segment").
constexpr Segment task{0x40, 0x08B, 0, 0};

constexpr u64 pat_at_reset = 0x0007'0406'0007'0406;             // APM vol 2 §7.8.2 "PAT Indexing"
constexpr u64 dr6_at_reset = 0xFFFF'0FF0, dr7_at_reset = 0x400; // APM vol 2 §13.1.1 "Debug Registers"

// Alignment checks work as under Linux; nothing else differs from any 64-bit system's.
constexpr u64 guest_cr0 = Cr0::ProtectionEnabled::mask | Cr0::MonitorCoprocessor::mask |
                          Cr0::ExtensionType::mask | Cr0::NumericError::mask | Cr0::WriteProtect::mask |
                          Cr0::AlignmentMask::mask | Cr0::Paging::mask;
// SVME is VMRUN's condition; the guest cannot use it, every SVM instruction is intercepted.
constexpr u64 guest_efer = Efer::SystemCallExtensions::mask | Efer::LongModeEnable::mask |
                           Efer::LongModeActive::mask | Efer::SvmEnable::mask;

// No clock for ring 3, no way to read the descriptor tables, vector registers but no XSAVE (so no AVX).
u64 guest_cr4(const cpu::Features &features) {
    return Cr4::TimeStampDisable::mask | Cr4::PhysicalAddressExtensions::mask | Cr4::Osfxsr::mask |
           Cr4::Osxmmexcpt::mask | (features.umip ? Cr4::Umip::mask : 0);
}

void intercept_everything(Control &c) {
    c.cr_reads = c.cr_writes = c.dr_reads = c.dr_writes = 0xFFFF;
    c.exceptions = ~0u;
    c.intercepts1 = Intercept1::required;
    c.intercepts2 = static_cast<u32>(Intercept2::AllInstructions::mask);
}

} // namespace

void initialise(Vmcb &vmcb, const cpu::Features &features, const VmcbAddresses &addresses) {
    Control &c = vmcb.control;
    intercept_everything(c);
    c.iopm_base = addresses.io_map.value();
    c.msrpm_base = addresses.msr_map.value();
    c.asid = addresses.asid;
    // The host's interrupt flag decides whether an interrupt stops the guest; the guest's own flag and CR8
    // are virtual, else it could keep the timer away.
    c.virtual_interrupt = VirtualInterrupt::Masking::mask;
    c.np_control = 1;
    c.nested_cr3 = addresses.nested_root.value();
    c.lbr_control = features.lbr_virtualisation ? 1 : 0;

    Save &s = vmcb.save;
    s.efer = guest_efer | (features.no_execute ? Efer::NoExecuteEnable::mask : 0);
    s.cr0 = guest_cr0;
    s.cr4 = guest_cr4(features);
    s.dr6 = dr6_at_reset, s.dr7 = dr7_at_reset;
    s.rflags = cpu::Rflags::AlwaysOne::mask;
    s.g_pat = pat_at_reset;
    s.tr = task;
    s.star = star;
    s.sfmask = system_call_flag_mask;
    s.debug_control = features.lbr_virtualisation ? 1 : 0; // record branches
    load_privilege(s, vm::Privilege::user);
}

void load_privilege(Save &save, vm::Privilege privilege) {
    const bool user = privilege == vm::Privilege::user;
    save.cs = user ? user_code : supervisor_code;
    save.ss = user ? user_stack : supervisor_stack;
    save.cpl = static_cast<u8>(privilege);
}

vm::SystemRegisters system_of(const Save &save) {
    return {GuestPhys(save.cr3), save.fs.base, save.gs.base, save.lstar};
}

void set_system(Save &save, const vm::SystemRegisters &system) {
    save.cr3 = system.cr3.value();
    save.fs.base = system.fs_base;
    save.gs.base = system.gs_base;
    save.lstar = system.system_call_target;
}

static void pack(const Segment &segment, u64 *words) {
    words[0] =
        segment.selector | static_cast<u64>(segment.attributes) << 16 | static_cast<u64>(segment.limit) << 32;
    words[1] = segment.base;
}
static Segment unpack(const u64 *words) {
    return {static_cast<u16>(words[0]), static_cast<u16>(words[0] >> 16), static_cast<u32>(words[0] >> 32),
            words[1]};
}

void save_hidden(const Save &save, u64 (&words)[16]) {
    const Segment *const segments[] = {&save.es, &save.cs, &save.ss, &save.ds, &save.fs, &save.gs};
    for (u32 i = 0; i < hidden_words / 2; ++i) pack(*segments[i], words + 2ul * i);
}

void load_hidden(Save &save, const u64 (&words)[16]) {
    Segment *const segments[] = {&save.es, &save.cs, &save.ss, &save.ds, &save.fs, &save.gs};
    for (u32 i = 0; i < hidden_words / 2; ++i) *segments[i] = unpack(words + 2ul * i);
    save.cpl = static_cast<u8>(Segment::Dpl::get(save.ss.attributes));
}

} // namespace svm
