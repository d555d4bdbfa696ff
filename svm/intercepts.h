// svm/intercepts.h — the intercept words of the VMCB: what stops a guest, bit by bit with its reason.
//
// APM vol 2 §15.7 "Intercept Operation", §15.9 "Instruction Intercepts", §15.12 "Exception Intercepts",
// §15.13 "Interrupt Intercepts", §15.14 "Miscellaneous Intercepts". Everything is intercepted unless a reason
// below says otherwise: then a guest can neither hold a core, nor reach the host, nor run differently a
// second time. An intercept that ring 3 cannot reach is set as well. It costs nothing, and if a guest ever
// gets into ring 0 the instruction is an exit instead of a damaged host.
//
// Hazard: most instruction intercepts are checked after the exceptions of privilege (#GP, #UD), some before
// (table 15-7). One instruction in ring 3 may therefore end in its intercept or in a #GP; both end the case.
#pragma once

#include "base/bits.h"
#include "base/types.h"

namespace svm {

// Control area, offset 00Ch.
//
//    0  INTR          the host's timer ends a guest that loops. Without it, the interrupt would be
//                     delivered through the guest's IDT (§15.13.1 "INTR Intercept")
//    1  NMI           the host's watchdog and panic stop; stays pending until STGI (§15.21.9 "NMI Support")
//    2  SMI           with every port intercepted as well, an SMI here is external and asynchronous, and STGI
//                     lets firmware take it outside the guest (§15.22.3 "Containerizing Platform SMM")
//    3  INIT          stays pending until STGI (§15.13.4 "INIT Intercept")
//    4  VINTR         no virtual interrupt is ever requested; an exit here means that the VMCB was damaged
//    5  CR0 write     the selective form; the full intercept of CR0 writes takes priority over it
//  6-9  SIDT SGDT SLDT STR      readable in ring 3 where there is no UMIP, and different from host to host
// 10-13 LIDT LGDT LLDT LTR      ring 0 only
//   14  RDTSC         CR4.TSD raises #GP in ring 3 first; this bit covers ring 0
//   15  RDPMC         as RDTSC, with CR4.PCE clear
//   16  PUSHF         not intercepted, see `required`
//   17  POPF          not intercepted, see `required`
//   18  CPUID         the target gets one fixed table, so libraries choose the same code on every machine
//   19  RSM           the intercept comes before #UD
//   20  IRET          legal in ring 3; it would load selectors
//   21  INT n         exception intercepts do not apply to it, whatever the vector (§15.12)
//   22  INVD          discards modified cache lines of the host
//   23  PAUSE         not intercepted, see `required`
//   24  HLT           stops the core until an interrupt
//   25  INVLPG        ring 0 only
//   26  INVLPGA       ring 0 only; its ASID may be the host's
//   27  IOIO_PROT     the I/O permission map decides, and has every bit set (core.h)
//   28  MSR_PROT      the MSR permission map decides, and has every bit set; MSRs outside it are always
//                     intercepted (§15.11 "MSR Intercepts")
//   29  task switch   would load CR3, RFLAGS and LDTR in one instruction (§15.14.1 "Task Switch Intercept")
//   30  FERR_FREEZE   stops the core until an interrupt; CR0.NE is set, so it cannot happen
//   31  shutdown      without it, a guest's triple fault would reset the machine (§15.14.3 "Shutdown
//                     Intercept")
struct Intercept1 {
    using Intr = Bits<0>;
    using Nmi = Bits<1>;
    using Smi = Bits<2>;
    using Init = Bits<3>;
    using Pushf = Bits<16>;
    using Popf = Bits<17>;
    using Pause = Bits<23>;
    // All but three. PUSHF shows nothing that differs between two runs. What POPF can switch on in ring 3,
    // single steps and alignment checks, ends in an intercepted exception. The timer ends a loop of PAUSE.
    // Targets use all three often; an exit for each would protect nothing.
    static constexpr u32 required = static_cast<u32>(~(Pushf::mask | Popf::mask | Pause::mask));
};

// Control area, offset 010h.
//
//    0  VMRUN         VMRUN itself demands this bit (§15.5.1, "Canonicalization and Consistency Checks")
//    1  VMMCALL       the hypercall and, through the stub, every system call. Ring 3 may execute it; not
//                     intercepted, it is #UD (§15.18 "VMMCALL Instruction")
//  2,3  VMLOAD VMSAVE they read and write a physical address of the host, past the nested tables
//  4,5  STGI CLGI     CLGI would hold back every interrupt of the host
//    6  SKINIT        restarts the core
//    7  RDTSCP        as RDTSC
//    8  ICEBP         raises #DB that the #DB intercept does not see (§15.12.2 "#DB (Debug)")
//    9  WBINVD        writes back the caches of the host: milliseconds, at the guest's will
//   10  MONITOR       arms what MWAIT waits for
// 11,12 MWAIT         stops the core until an interrupt; unconditional, and with an armed monitor
//   13  XSETBV        would enable AVX state, which the snapshot does not hold
//   14  RDPRU         reads clocks; CR4.TSD makes it privileged
//
// Bits 15 and up are traps: they fire after EFER or a control register was written. They are clear, because
// the intercepts of those writes fire before.
struct Intercept2 {
    using Vmrun = Bits<0>;
    using Vmmcall = Bits<1>;
    using AllInstructions = Bits<14, 0>;
};
static_assert(Intercept2::AllInstructions::mask == 0x7FFF);
static_assert(~Intercept1::required == 0x0083'0000, "PUSHF, POPF and PAUSE alone are open");

// Control area, offsets 000h to 007h: one bit for each register, reads and writes apart. In ring 3 the
// instructions raise #GP first, except SMSW, which without UMIP reads CR0 in ring 3 and is intercepted as
// such.
constexpr u16 all_registers = 0xFFFF;

// Control area, offset 008h: one bit for each vector. With no IDT in the guest, every exception ends or
// interrupts the case; an intercept is tested before delivery, so nothing is pushed and CR2 keeps its value
// (§15.12.15 "#PF (Page Fault)").
//
// Hazard: bits 2 and 9 have no intercept, and the manual leaves open what setting them does (§15.12.3 "Vector
// 2 (Reserved)", §15.12.10 "Vector 9 (Reserved)"). NMI has a bit of its own, and vector 9 is never raised.
constexpr u32 all_exceptions = ~0u;

} // namespace svm
