// svm/guest_state.h — a VMCB as every guest of ours begins: 64-bit, flat, nothing allowed, nothing shared.
#pragma once

#include "base/addr.h"
#include "cpu/features.h"
#include "svm/vmcb.h"
#include "vm/registers.h"
#include "vm/snapshot.h"

namespace svm {

struct VmcbAddresses {
    Phys io_map, msr_map, nested_root;
    u32 asid = 0;
};

// `vmcb` is a page of zeros.
void initialise(Vmcb &vmcb, const cpu::Features &features, const VmcbAddresses &addresses);

// Code and stack segments and CPL of one of the two flat worlds.
void load_privilege(Save &save, vm::Privilege privilege);
inline vm::Privilege privilege_of(const Save &save) {
    return save.cpl == 0 ? vm::Privilege::supervisor : vm::Privilege::user;
}

vm::SystemRegisters system_of(const Save &save);
void set_system(Save &save, const vm::SystemRegisters &system);

// What ring 3 can change besides general and vector registers: ES, CS, SS, DS, FS and GS.
constexpr u32 hidden_words = 12;
void save_hidden(const Save &save, u64 (&words)[16]);
void load_hidden(Save &save, const u64 (&words)[16]);

} // namespace svm
