// svm/check.h — checks a VMCB against the consistency checks of VMRUN, before VMRUN sees it.
//
// Emulators accept VMCBs that hardware refuses, and hardware refuses all with one exit code, VMEXIT_INVALID.
// Here a broken rule has a name. The check runs when a checked field changed, not at every entry.
#pragma once

#include "cpu/features.h"
#include "rstate/result.h"
#include "svm/vmcb.h"

namespace svm {

struct Broken {
    const char *rule = nullptr; // nullptr: none
    u64 value = 0;              // of the field that breaks it
};

// The first rule that `vmcb` breaks, of VMRUN's, of the manual's, and of this project's. It reads the VMCB
// only, so it may also be asked after a refused VMRUN.
Broken first_broken_rule(const Vmcb &vmcb, const cpu::Features &features);

rstate::Result<void> check_vmcb(const Vmcb &vmcb, const cpu::Features &features);

} // namespace svm
