// svm/entry.h — what svm_enter reads and writes: the two control blocks and the guest's general registers.
#pragma once

#include "base/types.h"
#include "vm/registers.h"

namespace svm {

struct EntryFrame {
    u64 guest_vmcb = 0; // physical
    u64 host_vmcb = 0;  // physical: holds this core's FS, GS, TR and their like, written once by VMSAVE
    // RAX, RSP, RIP and RFLAGS travel in the VMCB; svm_enter exchanges the other fourteen.
    vm::Registers registers;
};

} // namespace svm

// Runs the guest until the next #VMEXIT (svm/enter.asm; the tests play back a script). Interrupts are on
// when it returns, and one that stopped the guest has been served.
extern "C" void svm_enter(svm::EntryFrame *frame);
