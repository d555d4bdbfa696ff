// svm/guest_state.h — the VMCB of a new guest: 64-bit, flat segments, everything intercepted.
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

// DebugCtl.LBR: each guest records its branches; the host's own DebugCtl is exchanged by VMRUN (§15.23.1
// "Hardware Acceleration for LBR Virtualization"). Without the feature the field is ignored.
constexpr u64 debug_control(const cpu::Features &features) { return features.lbr_virtualisation ? 1 : 0; }

// `vmcb` is a page of zeros. Everything that a rule of VMRUN or the guest needs is set here; what changes
// later goes through Machine, which keeps the clean bits.
void initialise(Vmcb &vmcb, const cpu::Features &features, const VmcbAddresses &addresses);

// Sets the code and stack segments and CPL of one privilege level.
void load_privilege(Save &save, vm::Privilege privilege);
inline vm::Privilege privilege_of(const Save &save) {
    return save.cpl == 0 ? vm::Privilege::supervisor : vm::Privilege::user;
}

// Among the fields of VMLOAD and VMSAVE these alone may be set: the others cannot matter to ring 3 or to the
// stub.
vm::SystemRegisters system_of(const Save &save);
// Ring 3 sets the bases of FS and GS. A processor refuses one that is not canonical, but not every emulator
// does: the guest then goes on with the base that VMRUN would make of it.
void make_bases_canonical(Save &save);
void set_system(Save &save, const vm::SystemRegisters &system);

// What ring 3 can change besides general and vector registers: ES, CS, SS, DS, FS and GS.
constexpr u32 hidden_words = 12;
static_assert(hidden_words <= sizeof(vm::ProcessorState::hidden) / sizeof(u64));
void save_hidden(const Save &save, u64 (&words)[16]);
void load_hidden(Save &save, const u64 (&words)[16]);

} // namespace svm
