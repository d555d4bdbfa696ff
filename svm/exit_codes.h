// svm/exit_codes.h — the #VMEXIT codes by the manual's names: APM vol 2 appendix C "SVM Intercept Exit
// Codes".
//
// The codes 60h to 9Fh follow the order of the intercept bits (svm/intercepts.h). VMEXIT_VMGEXIT (403h) and
// the AVIC exits (401h, 402h) are missing: their features are never enabled.
#pragma once

#include "base/bits.h"
#include "base/types.h"

namespace svm {

enum class ExitCode : u64 {
    // The register's number is added, 16 of each kind.
    cr_read_0 = 0x00,
    cr_write_0 = 0x10,
    dr_read_0 = 0x20,
    dr_write_0 = 0x30,
    // The vector is added, 32 of them. INT n and external interrupts never come here, whatever their vector.
    exception_0 = 0x40,
    // Physical events of the host. They stay pending at #VMEXIT, and the host takes them at STGI (§15.13
    // "Interrupt Intercepts").
    intr = 0x60,
    nmi = 0x61,
    smi = 0x62,
    init = 0x63,
    vintr = 0x64,
    cr0_sel_write = 0x65,
    // SIDT, SGDT, SLDT, STR, then the instructions that load these registers.
    idtr_read = 0x66,
    gdtr_read = 0x67,
    ldtr_read = 0x68,
    tr_read = 0x69,
    idtr_write = 0x6A,
    gdtr_write = 0x6B,
    ldtr_write = 0x6C,
    tr_write = 0x6D,
    // From here to rdpru: instructions. RIP is that of the instruction, and nothing of it was executed.
    rdtsc = 0x6E,
    rdpmc = 0x6F,
    pushf = 0x70,
    popf = 0x71,
    cpuid = 0x72,
    rsm = 0x73,
    iret = 0x74,
    intn = 0x75,
    invd = 0x76,
    pause = 0x77,
    hlt = 0x78,
    invlpg = 0x79,
    invlpga = 0x7A,
    ioio = 0x7B,
    msr = 0x7C,
    task_switch = 0x7D,
    ferr_freeze = 0x7E,
    // The state saved in the VMCB is undefined after this one (§15.14.3 "Shutdown Intercept").
    shutdown = 0x7F,
    // SVM's own instructions. Of them ring 3 can reach VMMCALL alone.
    vmrun = 0x80,
    vmmcall = 0x81,
    vmload = 0x82,
    vmsave = 0x83,
    stgi = 0x84,
    clgi = 0x85,
    skinit = 0x86,
    rdtscp = 0x87,
    icebp = 0x88,
    wbinvd = 0x89,
    monitor = 0x8A,
    // 8Bh by the unconditional intercept, 8Ch by the one for an armed monitor.
    mwait = 0x8B,
    mwait_conditional = 0x8C,
    xsetbv = 0x8D,
    rdpru = 0x8E,
    // VMEXIT_NPF: the nested tables do not allow an access. EXITINFO2 is the guest-physical address.
    nested_page_fault = 0x400,
};

// VMEXIT_INVALID is -1: VMRUN found an illegal state and ran no instruction of the guest. TCG leaves the
// upper half of the field zero, so only the lower half is compared.
constexpr bool is_invalid(u64 exit_code) { return static_cast<i32>(exit_code) == -1; }

// EXITINFO1 of a nested page fault: APM vol 2 §15.25.6 "Nested versus Guest Page Faults, Fault Ordering".
// Walks of the guest's page tables count as data writes of a user, even for an instruction fetch (§15.25.5
// "Nested Table Walk"). So Write is tested before Fetch, and says nothing about what the instruction does.
struct NestedFaultInfo {
    using Present = Bits<0>;
    using Write = Bits<1>;
    using Reserved = Bits<3>;
    using Fetch = Bits<4>;
    using FinalAccess = Bits<32>; // while translating the address of the access itself
    using PageWalk = Bits<33>;    // while reading the guest's page tables
};

// EXITINFO1 of an IN or OUT: APM vol 2 §15.10.2 "IN and OUT Behavior". EXITINFO2 is the next RIP on every
// processor, with or without NRIPS. IOPL and the bitmap of the TSS are checked before the intercept, so a
// guest in ring 3 gets #GP instead of this exit.
struct IoInfo {
    using In = Bits<0>;
    using String = Bits<2>;
    using Repeated = Bits<3>;
    using Size = Bits<6, 4>; // one of the three: 1, 2 or 4 bytes
    using Port = Bits<31, 16>;
};

} // namespace svm
