// svm/vmcb.h — the virtual machine control block (VMCB): one page that describes a guest to VMRUN, and
// receives the reason of each #VMEXIT.
//
// APM vol 2 appendix B "VMCB Layout". Gaps are named arrays, so no field can land where the manual says
// "reserved". Fields of features that are never enabled (AVIC, SEV) are named where they must stay zero.
//
// VMRUN takes the physical address of this page in RAX. It must be page aligned and below the physical limit,
// or VMRUN raises #GP. While the guest runs, and with clean bits until the next VMRUN, the processor may hold
// newer values than the page: software reads and writes it only between #VMEXIT and VMRUN, on one core.
#pragma once

#include <stddef.h>

#include "base/bits.h"
#include "base/types.h"
#include "svm/intercepts.h"
#include "svm/vmcb_fields.h"

namespace svm {

// Table B-1 "VMCB Layout, Control Area". Software writes it; #VMEXIT writes back only the exit fields, V_TPR,
// V_IRQ and the interrupt shadow (§15.6 "#VMEXIT").
struct Control {
    // +000 intercept words: svm/intercepts.h.
    u16 cr_reads, cr_writes;
    u16 dr_reads, dr_writes; // +004
    u32 exceptions;          // +008
    u32 intercepts1;         // +00C struct Intercept1
    u32 intercepts2;         // +010 struct Intercept2
    u32 intercepts3;         // +014 INVLPGB and similar: zero, because ring 3 meets #GP or #UD before them
    u8 reserved_018[0x24];
    // +03C PAUSE is not intercepted, so its filter does nothing.
    u16 pause_threshold, pause_count;
    // +040 physical addresses of the permission maps, below the physical limit with all their pages
    // (§15.10.1 "I/O Permissions Map", §15.11 "MSR Intercepts"). VMRUN ignores the low twelve bits.
    u64 iopm_base;
    u64 msrpm_base;        // +048
    u64 tsc_offset;        // +050 zero: the guest cannot read the TSC
    u32 asid;              // +058 tags this guest's translations; zero is the host's and refused by VMRUN
    u32 tlb_control;       // +05C enum TlbControl; only the low byte is defined
    u64 virtual_interrupt; // +060 struct VirtualInterrupt
    // +068 bit 0: the guest stopped behind STI or MOV SS. A reset clears it, or the next case would start in
    // the shadow of the last (§15.21.5 "Interrupt Shadows").
    u64 interrupt_shadow;
    u64 exit_code; // +070 svm/exit_codes.h
    // +078 depends on the exit code, and undefined where the manual names no use (§15.6).
    u64 exit_info1;
    u64 exit_info2; // +080
    // +088 the event that was being delivered when the intercept happened (§15.7.2 "Intercepts During IDT
    // Interrupt Delivery"). Never valid here: exceptions are intercepted before delivery, INT n before it
    // starts, and nothing is injected.
    u64 exit_interrupt_info;
    // +090 bit 0: nested paging. The other bits are SEV, GMET, shadow stack check and more: zero.
    u64 np_control;
    u64 avic_bar; // +098
    u64 ghcb;     // +0A0
    // +0A8 an event that VMRUN would deliver through the guest's IDT (§15.20 "Event Injection"). Always zero:
    // a target in ring 3 gets no signals, and the guest has no IDT.
    u64 event_injection;
    u64 nested_cr3;  // +0B0 root of the nested tables
    u64 lbr_control; // +0B8 bit 0: VMRUN and #VMEXIT exchange the branch records (§15.23.1)
    u64 clean_bits;  // +0C0 struct Clean
    // +0C8 address behind the intercepted instruction, where CPUID has NRIPS; zero for other exits (§15.7.1
    // "State Saved on Exit").
    u64 next_rip;
    // +0D0 the bytes at RIP, for nested and intercepted page faults on data only (§15.8.4 "Nested and
    // Intercepted #PF"). Not used: the exits that need the instruction are not page faults.
    u8 bytes_fetched;
    u8 instruction[15];    // +0D1
    u64 avic_backing_page; // +0E0
    u64 reserved_0e8;
    u64 avic_logical_table, avic_physical_table; // +0F0
    u64 reserved_100;
    u64 vmsa;                       // +108
    u64 vmgexit_rax;                // +110
    u64 vmgexit_cpl;                // +118
    u8 reserved_120[0x400 - 0x120]; // the last 32 bytes are reserved for the hypervisor's own use
};

// Table B-2 "VMCB Layout, State Save Area". The attributes are the descriptor's bits 55..52 and 47..40; base
// and limit are expanded. A segment that is not present is null: all attributes zero (§15.5.1 "Basic
// Operation", "Segment State in the VMCB").
struct Segment {
    u16 selector = 0;
    u16 attributes = 0;
    u32 limit = 0;
    u64 base = 0;

    using Type = Bits<3, 0>;
    using CodeOrData = Bits<4>;
    using Dpl = Bits<6, 5>;
    using Present = Bits<7>;
    using Long = Bits<9>;
    using Default = Bits<10>;
    using Granularity = Bits<11>;
    bool operator==(const Segment &) const = default;
};

// Who moves which field (§15.5.1 "Basic Operation", §15.5.2 "VMSAVE and VMLOAD Instructions"):
//
//   VMRUN and #VMEXIT   ES CS SS DS, GDTR IDTR, CPL, EFER CR0 CR2 CR3 CR4, DR6 DR7, RFLAGS RIP RSP RAX;
//                       G_PAT with nested paging; debug_control to last_exception_to with LBR virtualization
//   VMLOAD and VMSAVE   FS GS TR LDTR, STAR LSTAR CSTAR SFMASK, KernelGsBase, SYSENTER_*
//   software            the other fourteen general registers, vector registers
//
// CR2 is loaded by VMRUN and not restored for the host, where only the page fault handler reads it, at once.
// DR0 to DR3 are not exchanged at all: the guest cannot access them.
struct Save {
    Segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; // +000
    u8 reserved_0a0[0x2B];
    // +0CB VMRUN takes the privilege level from here, not from a segment; SS.DPL must agree (§15.5.1).
    u8 cpl;
    u32 reserved_0cc;
    u64 efer; // +0D0 with SVME set, or VMRUN refuses the guest
    u8 reserved_0d8[0x70];
    u64 cr4, cr3, cr0, dr7, dr6, rflags, rip; // +148
    u8 reserved_180[0x58];
    u64 rsp;                                     // +1D8
    u64 s_cet, ssp, isst;                        // +1E0 shadow stacks
    u64 rax;                                     // +1F8
    u64 star, lstar, cstar, sfmask;              // +200
    u64 kernel_gs_base;                          // +220
    u64 sysenter_cs, sysenter_esp, sysenter_eip; // +228
    u64 cr2;                                     // +240
    u8 reserved_248[0x20];
    u64 g_pat;                                  // +268
    u64 debug_control, branch_from, branch_to;  // +270
    u64 last_exception_from, last_exception_to; // +288
    u8 reserved_298[0xC00 - 0x298];
};

struct Vmcb {
    Control control;
    Save save;
};

// A field at a wrong offset is a field that VMRUN takes from its neighbour: nothing else would notice.
static_assert(sizeof(Segment) == 16);
static_assert(sizeof(Control) == 0x400 && sizeof(Save) == 0xC00 && sizeof(Vmcb) == page_size);
static_assert(offsetof(Control, exceptions) == 0x008 && offsetof(Control, intercepts1) == 0x00C);
static_assert(offsetof(Control, intercepts2) == 0x010 && offsetof(Control, intercepts3) == 0x014);
static_assert(offsetof(Control, pause_threshold) == 0x03C && offsetof(Control, iopm_base) == 0x040);
static_assert(offsetof(Control, msrpm_base) == 0x048 && offsetof(Control, tsc_offset) == 0x050);
static_assert(offsetof(Control, asid) == 0x058 && offsetof(Control, tlb_control) == 0x05C);
static_assert(offsetof(Control, virtual_interrupt) == 0x060 && offsetof(Control, interrupt_shadow) == 0x068);
static_assert(offsetof(Control, exit_code) == 0x070 && offsetof(Control, exit_info1) == 0x078);
static_assert(offsetof(Control, exit_info2) == 0x080 && offsetof(Control, exit_interrupt_info) == 0x088);
static_assert(offsetof(Control, np_control) == 0x090 && offsetof(Control, event_injection) == 0x0A8);
static_assert(offsetof(Control, nested_cr3) == 0x0B0 && offsetof(Control, lbr_control) == 0x0B8);
static_assert(offsetof(Control, clean_bits) == 0x0C0 && offsetof(Control, next_rip) == 0x0C8);
static_assert(offsetof(Control, bytes_fetched) == 0x0D0 && offsetof(Control, avic_backing_page) == 0x0E0);
static_assert(offsetof(Control, avic_logical_table) == 0x0F0 && offsetof(Control, vmsa) == 0x108);
static_assert(offsetof(Save, gdtr) == 0x060 && offsetof(Save, tr) == 0x090 && offsetof(Save, cpl) == 0x0CB);
static_assert(offsetof(Save, efer) == 0x0D0 && offsetof(Save, cr4) == 0x148 && offsetof(Save, cr0) == 0x158);
static_assert(offsetof(Save, dr6) == 0x168 && offsetof(Save, rflags) == 0x170 &&
              offsetof(Save, rip) == 0x178);
static_assert(offsetof(Save, rsp) == 0x1D8 && offsetof(Save, s_cet) == 0x1E0 && offsetof(Save, rax) == 0x1F8);
static_assert(offsetof(Save, star) == 0x200 && offsetof(Save, sfmask) == 0x218);
static_assert(offsetof(Save, kernel_gs_base) == 0x220 && offsetof(Save, sysenter_cs) == 0x228);
static_assert(offsetof(Save, cr2) == 0x240 && offsetof(Save, g_pat) == 0x268);
static_assert(offsetof(Save, debug_control) == 0x270 && offsetof(Save, last_exception_to) == 0x290);

} // namespace svm
