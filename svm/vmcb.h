// svm/vmcb.h — the virtual machine control block: one page that tells VMRUN what the guest is, and what
// stopped it.
//
// APM vol 2 appendix B "VMCB Layout". Gaps are named arrays, so nothing lands where the manual says
// "reserved"; fields that only other features use (AVIC, SEV) are named where we must keep them zero.
#pragma once

#include <stddef.h>

#include "base/bits.h"
#include "base/types.h"

namespace svm {

// Table B-1 "VMCB Layout, Control Area".
struct Control {
    u16 cr_reads, cr_writes; // +000 one bit for each control register
    u16 dr_reads, dr_writes; // +004
    u32 exceptions;          // +008 one bit for each vector
    u32 intercepts1;         // +00C struct Intercept1
    u32 intercepts2;         // +010 struct Intercept2
    u32 intercepts3;         // +014 INVLPGB and its like: privileged, so ring 3 meets #GP before them
    u8 reserved_018[0x24];
    u16 pause_threshold, pause_count; // +03C
    u64 iopm_base;                    // +040
    u64 msrpm_base;                   // +048
    u64 tsc_offset;                   // +050
    u32 asid;                         // +058
    u32 tlb_control;                  // +05C enum TlbControl
    u64 virtual_interrupt;            // +060 struct VirtualInterrupt
    u64 interrupt_shadow;             // +068
    u64 exit_code;                    // +070
    u64 exit_info1;                   // +078
    u64 exit_info2;                   // +080
    u64 exit_interrupt_info;          // +088
    u64 np_control;                   // +090 bit 0: nested paging
    u64 avic_bar;                     // +098
    u64 ghcb;                         // +0A0
    u64 event_injection;              // +0A8
    u64 nested_cr3;                   // +0B0
    u64 lbr_control;                  // +0B8
    u64 clean_bits;                   // +0C0 struct Clean
    u64 next_rip;                     // +0C8 zero without the feature
    u8 bytes_fetched;                 // +0D0 zero without decode assists
    u8 instruction[15];               // +0D1
    u64 avic_backing_page;            // +0E0
    u64 reserved_0e8;
    u64 avic_logical_table, avic_physical_table; // +0F0
    u64 reserved_100;
    u64 vmsa;                       // +108
    u64 vmgexit_rax;                // +110
    u64 vmgexit_cpl;                // +118
    u8 reserved_120[0x400 - 0x120]; // the last 32 bytes of it are the hypervisor's own
};

// Table B-2 "VMCB Layout, State Save Area". The attributes are the descriptor's bits 55..52 and 47..40.
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

struct Save {
    Segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; // +000
    u8 reserved_0a0[0x2B];
    u8 cpl; // +0CB
    u32 reserved_0cc;
    u64 efer; // +0D0
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

// Control area, offset 00Ch.
struct Intercept1 {
    using Intr = Bits<0>;
    using Nmi = Bits<1>;
    using Smi = Bits<2>;
    using Init = Bits<3>;
    using Pushf = Bits<16>;
    using Popf = Bits<17>;
    using Pause = Bits<23>;
    // Everything else can hold the core, touch the host or differ between two runs. These three cannot:
    // what POPF may switch on in ring 3, single steps and alignment checks, ends in an intercepted exception.
    static constexpr u32 required = static_cast<u32>(~(Pushf::mask | Popf::mask | Pause::mask));
};

// Control area, offset 010h.
struct Intercept2 {
    using Vmrun = Bits<0>;
    using Vmmcall = Bits<1>;
    // VMRUN, VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, RDTSCP, ICEBP, WBINVD, MONITOR, two of MWAIT,
    // XSETBV, RDPRU. Behind them come traps that fire after a write, which our intercepts before it preclude.
    using AllInstructions = Bits<14, 0>;
};

// Control area, offset 05Ch: APM vol 2 §15.16.1 "TLB Flush".
enum class TlbControl : u32 { keep = 0, flush_all = 1, flush_this_asid = 3 };

// Control area, offset 060h: APM vol 2 §15.21 "Interrupt and Local APIC Support".
struct VirtualInterrupt {
    using Masking = Bits<24>;    // V_INTR_MASKING: the host's IF decides, the guest's CR8 is its own
    using GifEnabled = Bits<25>; // virtual GIF
    using Priority = Bits<7, 0>; // V_TPR
};

// Control area, offset 0C0h: APM vol 2 §15.15.3 "VMCB Clean Field". Set: the processor may use what it kept.
struct Clean {
    using Intercepts = Bits<0>; // with TSC offset and pause filter
    using Permissions = Bits<1>;
    using Asid = Bits<2>;
    using VirtualInterrupts = Bits<3>;
    using NestedPaging = Bits<4>; // NP_ENABLE, nCR3, gPAT
    using ControlRegisters = Bits<5>;
    using DebugRegisters = Bits<6>;
    using DescriptorTables = Bits<7>;
    using Segments = Bits<8>; // CS, DS, SS, ES, CPL
    using PageFaultAddress = Bits<9>;
    using BranchRecords = Bits<10>;
    using All = Bits<10, 0>; // what lies beyond belongs to features we never enable
};

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
