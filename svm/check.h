// svm/check.h — our own check of a VMCB before VMRUN sees it.
//
// Emulators accept much that silicon refuses, and silicon refuses with one number for everything. Both are
// reasons to know the rules ourselves: a broken one is named.
#pragma once

#include "cpu/features.h"
#include "rstate/result.h"
#include "svm/vmcb.h"

namespace svm {

struct Broken {
    const char *rule = nullptr; // nullptr: none
    u64 value = 0;              // of the field that breaks it
};

// The first rule that VMRUN enforces, or the manual demands, or this project relies on, and `vmcb` breaks.
Broken first_broken_rule(const Vmcb &vmcb, const cpu::Features &features);

rstate::Result<void> check_vmcb(const Vmcb &vmcb, const cpu::Features &features);

} // namespace svm
