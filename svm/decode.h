// svm/decode.h — decodes the exit fields of the VMCB, once, into a vendor-independent vm::Exit and an Action.
//
// After it no other code looks at exit codes, so the guest layer and the fuzzer know nothing of SVM.
#pragma once

#include "base/addr.h"
#include "rstate/result.h"
#include "svm/vmcb.h"
#include "vm/exit.h"

namespace svm {

enum class Action : u8 {
    deliver,            // run() returns the Exit
    new_page,           // a nested page fault, inside the guest's memory or beyond it
    tick,               // a host interrupt stopped the guest; the host has served it
    software_interrupt, // INT n, on some emulators also INT3: the guest's bytes decide
};

// Fills `exit`, which must be default-initialised, and returns what to do with it. For new_page, `address` is
// guest-physical and `access` is the access that the nested tables refused. Fails with unknown_exit for a
// code that is not in exit_codes.h, and with machine_check: the hardware's fault is not a finding of the
// target.
rstate::Result<Action> decode_exit(const Vmcb &vmcb, vm::Exit &exit);

} // namespace svm
