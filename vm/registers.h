// vm/registers.h — a virtual processor's registers, as far as whoever runs a guest may touch them.
#pragma once

#include "base/addr.h"
#include "base/types.h"

namespace vm {

// Which of the two flat 64-bit worlds the guest runs in: the target in `user`; only the system call's landing
// place, a stub of one VMMCALL, in `supervisor`. Setting it loads the matching code and stack segments.
enum class Privilege : u8 { supervisor = 0, user = 3 };

// Free to read and change between two runs; costs nothing unless `privilege` changes.
struct Registers {
    u64 rax = 0, rbx = 0, rcx = 0, rdx = 0, rsi = 0, rdi = 0, rbp = 0, rsp = 0;
    u64 r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
    u64 rip = 0;
    u64 rflags = 2; // bit 1 is always one
    Privilege privilege = Privilege::user;

    bool operator==(const Registers &) const = default;
};

// Set rarely, through Vm::set_system. The guest in ring 3 changes none of them but, by loading a selector,
// the bases of FS and GS; both belong to the snapshot.
struct SystemRegisters {
    GuestPhys cr3;              // the root of the guest's page tables
    u64 fs_base = 0;            // thread-local storage
    u64 gs_base = 0;            //
    u64 system_call_target = 0; // LSTAR: where SYSCALL lands, in `supervisor`

    bool operator==(const SystemRegisters &) const = default;
};

} // namespace vm
