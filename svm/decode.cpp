// svm/decode.cpp — the table of exit codes. APM vol 2 appendix C "SVM Intercept Exit Codes".
//
// EXITINFO1 and EXITINFO2 are undefined for exits where the manual names no use (§15.6 "#VMEXIT"). An
// emulator may write zeros there, so that a wrong use passes every test.
#include "svm/decode.h"

#include "cpu/registers.h"
#include "svm/codes.h"
#include "svm/exit_codes.h"

namespace svm {

namespace {

using vm::Access;
using vm::Exit;
using vm::ExitKind;

// APM vol 2 §8.2 "Vectors". A name with a number is a reserved vector: only INT n can reach one, and that has
// an intercept of its own.
constexpr const char *exception_names[32] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9",  "#TS",
    "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC", "#MC", "#XF", "#20", "#CP",
    "#22", "#23", "#24", "#25", "#26", "#27", "#HV", "#VC", "#SX", "#31",
};

// Codes 0x63 to 0x8E in order. Exits that a case in ring 3 can cause have their own branch in
// describe_instruction; the others only need a name, because they end the case.
constexpr const char *instruction_names[] = {
    "INIT",   "VINTR",    "CR0 write", "SIDT",    "SGDT",   "SLDT",    "STR",    "LIDT",        "LGDT",
    "LLDT",   "LTR",      "RDTSC",     "RDPMC",   "PUSHF",  "POPF",    "CPUID",  "RSM",         "IRET",
    "INT n",  "INVD",     "PAUSE",     "HLT",     "INVLPG", "INVLPGA", "IN/OUT", "RDMSR/WRMSR", "task switch",
    "FERR",   "shutdown", "VMRUN",     "VMMCALL", "VMLOAD", "VMSAVE",  "STGI",   "CLGI",        "SKINIT",
    "RDTSCP", "ICEBP",    "WBINVD",    "MONITOR", "MWAIT",  "MWAIT",   "XSETBV", "RDPRU",
};
constexpr u64 first_named = static_cast<u64>(ExitCode::init);
constexpr u64 past_named = static_cast<u64>(ExitCode::rdpru) + 1;
static_assert(sizeof(instruction_names) / sizeof(instruction_names[0]) == past_named - first_named);

constexpr u64 past_register_accesses = static_cast<u64>(ExitCode::exception_0);
constexpr u64 past_exceptions = static_cast<u64>(ExitCode::intr);

// Codes below 0x40: sixteen control and sixteen debug registers, read and write apart. The number of the
// general register, which decode assists add (§15.8.1 "MOV CRx/DRx Intercepts"), is not needed.
constexpr const char *register_access_names[4] = {"CR read", "CR write", "DR read", "DR write"};

// §15.12 "Exception Intercepts". RIP is that of the faulting instruction for faults, of the next one for
// traps, and for INT3 of the INT3 itself: the exit comes before delivery. The guest's CR2 is not written; the
// address of a page fault is in EXITINFO2 alone (§15.12.15 "#PF (Page Fault)").
// Hazard: for vectors that push no error code EXITINFO1 is undefined, so error_code means nothing for them.
void describe_exception(const Control &c, Exit &exit) {
    exit.kind = ExitKind::exception;
    exit.vector = static_cast<u8>(c.exit_code - static_cast<u64>(ExitCode::exception_0));
    exit.what = exception_names[exit.vector];
    exit.error_code = static_cast<u32>(c.exit_info1);
    if (exit.vector != static_cast<u8>(cpu::Vector::page_fault)) return;
    exit.address = c.exit_info2;
    exit.access = cpu::PageFaultCode::Fetch::test(c.exit_info1)   ? Access::execute
                  : cpu::PageFaultCode::Write::test(c.exit_info1) ? Access::write
                                                                  : Access::read;
}

// The caller resolves faults inside the guest's memory; for it this exit never appears.
void describe_nested_fault(const Control &c, Exit &exit) {
    exit.kind = ExitKind::beyond_memory;
    exit.what = NestedFaultInfo::PageWalk::test(c.exit_info1) ? "nested page fault in a page walk"
                                                              : "nested page fault";
    exit.address = c.exit_info2;
    exit.access = NestedFaultInfo::Write::test(c.exit_info1)   ? Access::write
                  : NestedFaultInfo::Fetch::test(c.exit_info1) ? Access::execute
                                                               : Access::read;
}

// §15.10.2 "IN and OUT Behavior". The size bits hold 1, 2 or 4, which is the number of bytes.
void describe_io(const Control &c, Exit &exit) {
    exit.kind = ExitKind::io;
    exit.access = IoInfo::In::test(c.exit_info1) ? Access::read : Access::write;
    exit.access_size = static_cast<u8>(IoInfo::Size::get(c.exit_info1));
    exit.port = static_cast<u16>(IoInfo::Port::get(c.exit_info1));
}

// §15.9 "Instruction Intercepts". RIP is that of the instruction, which has not been executed: to continue,
// the caller emulates it and calls skip_instruction.
void describe_instruction(const Control &c, Exit &exit) {
    exit.what = instruction_names[c.exit_code - first_named];
    switch (static_cast<ExitCode>(c.exit_code)) {
    case ExitCode::cpuid:
        exit.kind = ExitKind::cpuid;
        return;
    case ExitCode::rdtsc:
    case ExitCode::rdtscp:
        exit.kind = ExitKind::time_stamp;
        return;
    case ExitCode::hlt:
        exit.kind = ExitKind::halt;
        return;
    case ExitCode::vmmcall:
        exit.kind = ExitKind::hypercall;
        return;
    case ExitCode::shutdown: // the saved state is undefined: nothing but the kind may be used
        exit.kind = ExitKind::shutdown;
        return;
    case ExitCode::msr: // EXITINFO1 is 1 for WRMSR (§15.11 "MSR Intercepts")
        exit.kind = ExitKind::msr;
        exit.access = c.exit_info1 == 1 ? Access::write : Access::read;
        return;
    case ExitCode::ioio:
        describe_io(c, exit);
        return;
    case ExitCode::icebp: // to the target it is #DB, which the #DB intercept does not see (§15.12.2)
        exit.kind = ExitKind::exception;
        exit.vector = static_cast<u8>(cpu::Vector::debug);
        return;
    default:
        exit.kind = ExitKind::other;
    }
}

} // namespace

rstate::Result<Action> decode_exit(const Vmcb &vmcb, vm::Exit &exit) {
    const Control &c = vmcb.control;
    exit.code = c.exit_code, exit.info1 = c.exit_info1, exit.info2 = c.exit_info2;
    // From CPL and never from a segment's DPL: only CPL is defined (§15.5.1 "Basic Operation").
    exit.privilege = vmcb.save.cpl == 0 ? vm::Privilege::supervisor : vm::Privilege::user;

    // Instructions first: the one exit of a steady case is a VMMCALL.
    if (c.exit_code >= first_named && c.exit_code < past_named) {
        describe_instruction(c, exit);
        return c.exit_code == static_cast<u64>(ExitCode::intn) ? Action::software_interrupt : Action::deliver;
    }
    switch (static_cast<ExitCode>(c.exit_code)) {
    case ExitCode::nested_page_fault:
        describe_nested_fault(c, exit); // whether the address is inside is for GuestMemory to say
        return Action::new_page;
    case ExitCode::intr: // all three stayed pending, and the host took them at STGI in svm_enter
    case ExitCode::nmi:
    case ExitCode::smi:
        exit.what = "host interrupt";
        return Action::tick;
    default:
        break;
    }
    // Left are INTR to SMI, handled above, and codes of features that are never enabled or not known here.
    if (c.exit_code >= past_exceptions)
        return FAIL(unknown_exit, "the processor returned an unknown exit code", exit.code, exit.info1,
                    exit.info2, vmcb.save.rip);
    if (c.exit_code < past_register_accesses) {
        exit.what = register_access_names[c.exit_code / 16];
        return Action::deliver;
    }
    describe_exception(c, exit);
    // §15.12.18 "#MC (Machine Check)". The banks say what it was: the panic prints them.
    if (exit.vector == static_cast<u8>(cpu::Vector::machine_check))
        return FAIL(machine_check, "the hardware reports a machine check while a guest ran", vmcb.save.rip);
    return Action::deliver;
}

} // namespace svm
