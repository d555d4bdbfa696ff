// svm/entry.h — the arguments of svm_enter: two VMCBs and the guest's general registers.
#pragma once

#include "base/types.h"
#include "vm/registers.h"

namespace svm {

struct EntryFrame {
    u64 guest_vmcb = 0; // physical
    u64 host_vmcb = 0;  // physical: holds this core's FS, GS, TR and their like, written once by VMSAVE
    // VMRUN and #VMEXIT exchange RAX, RSP, RIP and RFLAGS with the VMCB; svm_enter exchanges the other
    // fourteen.
    vm::Registers registers;
};

} // namespace svm

// Runs the guest until the next #VMEXIT (svm/enter.asm; host tests link a scripted processor instead). When
// it returns, interrupts are enabled, and the host has served the interrupt that stopped the guest, if one
// did.
extern "C" void svm_enter(svm::EntryFrame *frame);
