// guest/linux_library.h — the library in the target that answers its Linux system calls
// (targets/runtime/linux/): where it is entered, and where a fault in it means that the target passed a bad
// address.
#pragma once

#include "boot/formats/elf.h"

namespace guest {

// Addresses from the target's symbol table; all zero when the target has no such library. Not trusted: wrong
// ones harm only the target.
struct LinuxLibrary {
    u64 entry = 0;       // SYSCALL continues here, in ring 3
    u64 return_slot = 0; // receives the return address, which SYSCALL leaves in RCX
    u64 copy_access = 0; // the instruction that accesses memory which the target named
    u64 copy_failed = 0; // continues here when it faults

    static rstate::Result<LinuxLibrary> find(const boot::Elf &elf);

    bool present() const { return entry != 0; }
};

// Where LSTAR points: a page for the supervisor only. Code in ring 3 cannot run it but by SYSCALL.
struct SyscallStub {
    u8 code[24] = {};
    explicit SyscallStub(const LinuxLibrary &library);
    Bytes bytes() const { return {code, sizeof(code)}; }
};

} // namespace guest
