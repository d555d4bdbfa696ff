// svm/guest_state.cpp — the initial state of a guest, field by field with its reason.
//
// Fields that are not written stay zero. That is a decision too: GDTR, IDTR and LDTR have base and limit
// zero, so every load of a selector other than null and every exception delivery faults, and the fault is
// intercepted.
#include "svm/guest_state.h"

#include "cpu/registers.h"

namespace svm {

namespace {

using cpu::Cr0;
using cpu::Cr4;
using cpu::Efer;

// Selectors as Linux has them, because targets print and compare them. VMRUN loads the hidden parts from the
// VMCB, so no descriptor table is needed. Loading one of them, or any other but null, faults in the guest.
//
// Attributes (bits 55..52 and 47..40 of a descriptor): 0xAFB is present, DPL 3, code, readable, accessed,
// 64-bit, 0xCF3 is present, DPL 3, data, writable, accessed; 0xA9B and 0xC93 are the same with DPL 0. VMRUN
// refuses L and D both set. In 64-bit mode base and limit of CS and SS are ignored; DS and ES stay null.
constexpr Segment user_code{0x33, 0xAFB, 0xFFFF'FFFF, 0};
constexpr Segment user_stack{0x2B, 0xCF3, 0xFFFF'FFFF, 0};
constexpr Segment supervisor_code{0x10, 0xA9B, 0xFFFF'FFFF, 0};
constexpr Segment supervisor_stack{0x18, 0xC93, 0xFFFF'FFFF, 0};
// SYSCALL takes CS from bits 47..32 and SS 8 above; SYSRET is never executed (APM vol 2 §6.1.1 "SYSCALL and
// SYSRET"). SYSCALL itself has no intercept: it loads CS, SS and RIP = LSTAR without looking at memory, and
// the first instruction there is an intercepted VMMCALL. So a system call costs one exit.
constexpr u64 star = 0x0023'0010ul << 32;
// Flags that SYSCALL clears: trap, interrupt, direction, IOPL, nested task, alignment check.
constexpr u64 system_call_flag_mask = 0x4'7700;

// A busy 64-bit TSS of length zero: an IN or OUT in ring 3 is a #GP before anything is read, because the
// permission bitmap lies outside the limit (APM vol 2 §12.2.4 "64-Bit Task State Segment"). That check comes
// before the I/O intercept (§15.10.2 "IN and OUT Behavior"). TR cannot be null: its P bit is ignored
// (§15.5.1).
constexpr Segment task{0x40, 0x08B, 0, 0};

// With nested paging the guest's PAT is gPAT (§15.25.2 "Replicated State"). Zero would be legal and make all
// of the guest's memory uncacheable. QEMU ignores memory types, so only hardware would show it, by its speed.
constexpr u64 pat_at_reset = 0x0007'0406'0007'0406;             // APM vol 2 §7.8.2 "PAT Indexing"
constexpr u64 dr6_at_reset = 0xFFFF'0FF0, dr7_at_reset = 0x400; // APM vol 2 §13.1.1 "Debug Registers"

// As under Linux, alignment checks included. NE is set, so x87 errors are #MF, which is intercepted, and
// never the legacy FERR signal. CD and NW are clear: VMRUN refuses NW without CD, and CD would switch the
// caches off.
constexpr u64 guest_cr0 = Cr0::ProtectionEnabled::mask | Cr0::MonitorCoprocessor::mask |
                          Cr0::ExtensionType::mask | Cr0::NumericError::mask | Cr0::WriteProtect::mask |
                          Cr0::AlignmentMask::mask | Cr0::Paging::mask;
// VMRUN demands SVME in the guest's EFER. The guest cannot use it: every SVM instruction is intercepted. LMA
// is set as LME and PG imply.
constexpr u64 guest_efer = Efer::SystemCallExtensions::mask | Efer::LongModeEnable::mask |
                           Efer::LongModeActive::mask | Efer::SvmEnable::mask;

// TSD: RDTSC and RDTSCP fault in ring 3, so a target has no clock that differs between two runs. UMIP: SGDT,
// SIDT, SLDT, STR and SMSW fault in ring 3. OSFXSR and OSXMMEXCPT: SSE works. OSXSAVE is clear: no XSAVE and
// no AVX, whose state FXSAVE does not hold. PAE is what VMRUN demands with LME and PG. FSGSBASE, where the
// processor has it: ring 3 sets the bases of FS and GS by itself, so a switch between threads costs no exit.
//
// MCE, as in the host: else a machine check while the guest runs would shut the processor down. With it, it
// is an exit with #MC (§15.12.18 "#MC (Machine Check)").
u64 guest_cr4(const cpu::Features &features) {
    return Cr4::TimeStampDisable::mask | Cr4::PhysicalAddressExtensions::mask | Cr4::Osfxsr::mask |
           Cr4::Osxmmexcpt::mask | (features.machine_check ? Cr4::MachineCheckEnable::mask : 0) |
           (features.umip ? Cr4::Umip::mask : 0) | (features.fs_gs_base ? Cr4::FsGsBase::mask : 0);
}

// svm/intercepts.h has the reason of each bit.
void intercept_everything(Control &c) {
    c.cr_reads = c.cr_writes = c.dr_reads = c.dr_writes = all_registers;
    c.exceptions = all_exceptions;
    c.intercepts1 = Intercept1::required;
    c.intercepts2 = static_cast<u32>(Intercept2::AllInstructions::mask);
}

} // namespace

// No clean bits: the machine claims none before the first entry.
void initialise(Vmcb &vmcb, const cpu::Features &features, const VmcbAddresses &addresses) {
    Control &c = vmcb.control;
    intercept_everything(c);
    c.iopm_base = addresses.io_map.value();
    c.msrpm_base = addresses.msr_map.value();
    c.asid = addresses.asid;
    // Without V_INTR_MASKING the guest's IF and CR8 would decide whether the host's timer stops it
    // (§15.21.1).
    c.virtual_interrupt = VirtualInterrupt::Masking::mask;
    // The nested tables are walked in the host's paging mode, four levels, with the host's EFER.NXE; gCR3 and
    // the guest's tables then hold guest-physical addresses (§15.25.3 "Enabling Nested Paging").
    c.np_control = 1;
    c.nested_cr3 = addresses.nested_root.value();
    c.lbr_control = features.lbr_virtualisation ? 1 : 0;

    Save &s = vmcb.save;
    // NXE only where CPUID has NX: an undefined bit of EFER is an illegal state.
    s.efer = guest_efer | (features.no_execute ? Efer::NoExecuteEnable::mask : 0);
    s.cr0 = guest_cr0;
    s.cr4 = guest_cr4(features);
    s.dr6 = dr6_at_reset, s.dr7 = dr7_at_reset;
    s.rflags = cpu::Rflags::AlwaysOne::mask;
    s.g_pat = pat_at_reset;
    s.tr = task;
    s.star = star;
    s.sfmask = system_call_flag_mask;
    s.debug_control = debug_control(features);
    load_privilege(s, vm::Privilege::user);
}

// All three, because VMRUN reads CPL from its own field and the rest from the segments.
void load_privilege(Save &save, vm::Privilege privilege) {
    const bool user = privilege == vm::Privilege::user;
    save.cs = user ? user_code : supervisor_code;
    save.ss = user ? user_stack : supervisor_stack;
    save.cpl = static_cast<u8>(privilege);
}

vm::SystemRegisters system_of(const Save &save) {
    return {GuestPhys(save.cr3), save.fs.base, save.gs.base, save.lstar};
}

void make_bases_canonical(Save &save) {
    constexpr u32 unused_bits = 16;
    for (u64 *base : {&save.fs.base, &save.gs.base})
        *base = static_cast<u64>(static_cast<i64>(*base << unused_bits) >> unused_bits);
}

// The caller clears clean bit 5 for CR3; FS, GS and LSTAR have none.
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

// Everything that ring 3 can change by loading selectors and by WRFSBASE and WRGSBASE, and what SYSCALL
// changes. GDTR, IDTR, LDTR, TR, control and debug registers cannot change: every instruction that writes
// them is intercepted.
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
