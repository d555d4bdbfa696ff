// svm/decode.h — from what #VMEXIT left in the VMCB to one of a few cases, once.
#pragma once

#include "base/addr.h"
#include "rstate/result.h"
#include "svm/vmcb.h"
#include "vm/exit.h"

namespace svm {

enum class Action : u8 {
    deliver,            // an Exit for whoever runs the guest
    new_page,           // a nested fault inside the guest's memory, or beyond it
    tick,               // an interrupt of the host's stopped the guest; it has been served
    software_interrupt, // INT3 on some machines, INT n: the guest's bytes tell
};

// Fills `exit`, which is as new, and says what to do with it. For new_page its address is guest-physical, and
// access says what the guest wanted. Fails with unknown_exit, for a code that this file does not know, and
// with machine_check.
rstate::Result<Action> decode_exit(const Vmcb &vmcb, vm::Exit &exit);

} // namespace svm
