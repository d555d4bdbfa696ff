// svm/vmcb_fields.h — words of the VMCB's control area: TLB control, virtual interrupts, clean bits.
#pragma once

#include "base/bits.h"
#include "base/types.h"

namespace svm {

// Control area, offset 05Ch: APM vol 2 §15.16.1 "TLB Flush", table 15-9. VMRUN reads the field and does not
// clear it, so each entry writes it: a value that is left over would flush at every entry.
//
// flush_all drops the host's translations too; the manual recommends it only where FlushByAsid is missing.
// The alternative there, a fresh ASID for each flush, ends in the same full flush when all ASIDs (sixteen in
// QEMU) are used up, and each reset needs a flush. 7, "this guest's non-global entries", is not used: after a
// reset global entries are as stale as the others.
enum class TlbControl : u32 { keep = 0, flush_all = 1, flush_this_asid = 3 };

// Control area, offset 060h: APM vol 2 §15.21 "Interrupt and Local APIC Support".
struct VirtualInterrupt {
    // V_INTR_MASKING: while the guest runs, the host's RFLAGS.IF at VMRUN masks physical interrupts, and the
    // guest's RFLAGS.IF and CR8 affect virtual ones only (§15.21.1 "Physical (INTR) Interrupt Masking in
    // EFLAGS", §15.21.2 "Virtualizing APIC.TPR"). Without it CLI in the guest would stop the host's timer.
    using Masking = Bits<24>;
    using GifEnabled = Bits<25>; // virtual GIF: for nested virtualization, never on
    using Priority = Bits<7, 0>; // V_TPR: the processor writes it back at #VMEXIT
};

// Control area, offset 0C0h: APM vol 2 §15.15.3 "VMCB Clean Field". A set bit lets the processor use what it
// cached of an area at the last #VMEXIT; a clear bit makes it read the VMCB.
//
// §15.15.2 "Guidelines for Clearing VMCB Clean Bits": software that writes an area must clear its bit;
// changes by the guest itself need nothing. All bits must be clear when a VMCB is run for the first time, on
// another core, or after it moved. A new machine starts with 0: its page may have been another machine's VMCB
// on this core, and the processor recognises a cached VMCB by its physical address alone (§15.15 "VMCB State
// Caching"). Machines never change cores (machine.h).
//
// Never cached, so written without a bit: TLB_CONTROL, the interrupt shadow, EXITCODE and its companions,
// event injection, RFLAGS, RIP, RSP and RAX. That is all that a steady case writes.
//
// Hazard: emulators ignore the field and always read the VMCB. If a bit is not cleared on hardware, the
// guest runs with the old or the new value, depending on the cache. svm/vmcb_audit.h finds it everywhere.
struct Clean {
    using Intercepts = Bits<0>;  // intercept words, TSC offset, pause filter; never written after `make`
    using Permissions = Bits<1>; // addresses of the permission maps; never written after `make`
    using Asid = Bits<2>;        // never written after `make`
    using VirtualInterrupts = Bits<3>; // offset 060h; never written after `make`
    using NestedPaging = Bits<4>; // NP_ENABLE, nCR3, gPAT; never written: new pages change the tables only
    using ControlRegisters = Bits<5>; // CR0, CR3, CR4, EFER: cleared when set_system writes CR3
    using DebugRegisters = Bits<6>;   // DR6, DR7; never written after `make`
    using DescriptorTables = Bits<7>; // GDTR, IDTR; never written: the guest has none
    using Segments = Bits<8>;         // CS, DS, SS, ES, CPL: cleared by a change of privilege and by a reset
    using PageFaultAddress = Bits<9>; // CR2; never written: #PF is intercepted before it sets CR2
    using BranchRecords = Bits<10>;   // DebugCtl and the branch records: cleared when a reset writes DebugCtl
    using All = Bits<10, 0>;          // AVIC (11), CET (12) and reserved bits stay clear: never enabled
};

// An area that is never written needs no code; a new write to one needs `Machine::touched`.
// FS, GS, TR, LDTR and the system-call MSRs have no clean bit: VMLOAD reads them from the VMCB each time.

} // namespace svm
