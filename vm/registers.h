// vm/registers.h — a virtual processor's registers that the caller of Vm::run may read and change.
#pragma once

#include "base/addr.h"
#include "base/types.h"

namespace vm {

// The guest's privilege level. The target runs in `user`; only the entry point of SYSCALL, a stub of one
// VMMCALL, runs in `supervisor`. Setting it loads the matching flat 64-bit code and stack segments.
enum class Privilege : u8 { supervisor = 0, user = 3 };
static_assert(static_cast<u8>(Privilege::supervisor) == 0 && static_cast<u8>(Privilege::user) == 3,
              "the values are the processor's CPL");

// May be changed between two runs; that costs nothing unless `privilege` changes.
struct Registers {
    u64 rax = 0, rbx = 0, rcx = 0, rdx = 0, rsi = 0, rdi = 0, rbp = 0, rsp = 0;
    u64 r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
    u64 rip = 0;
    u64 rflags = 2; // bit 1 is always one
    Privilege privilege = Privilege::user;

    bool operator==(const Registers &) const = default;
};

// Set rarely, through Vm::set_system. In ring 3 the guest can change only the bases of FS and GS, by loading
// a selector or by WRFSBASE and WRGSBASE; both belong to the snapshot.
struct SystemRegisters {
    GuestPhys cr3;   // the root of the guest's page tables
    u64 fs_base = 0; // thread-local storage
    u64 gs_base = 0;
    u64 system_call_target = 0; // LSTAR: where SYSCALL lands, in `supervisor`

    bool operator==(const SystemRegisters &) const = default;
};

} // namespace vm
