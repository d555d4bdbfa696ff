// guest/linux_library.cpp — see linux_library.h.
#include "guest/linux_library.h"

namespace guest {

rstate::Result<LinuxLibrary> LinuxLibrary::find(const boot::Elf &elf) {
    LinuxLibrary found;
    const struct {
        Text name;
        u64 &address;
    } wanted[] = {{"rl_syscall_entry", found.entry},
                  {"rl_syscall_return", found.return_slot},
                  {"rl_user_copy_access", found.copy_access},
                  {"rl_user_copy_failed", found.copy_failed}};
    constexpr u64 highest = 0x7fff'ffff; // the stub sign-extends 32 bits
    const boot::SymbolTable table = TRY(elf.symbols(), "finding the target's symbols");
    for (u64 i = 0; i < table.count(); ++i) {
        const boot::Symbol symbol = table.at(i);
        if (!symbol.defined || symbol.address > highest || !symbol.name.starts_with("rl_")) continue;
        for (const auto &[name, address] : wanted)
            if (symbol.name == name) address = symbol.address;
    }
    for (const auto &[name, address] : wanted)
        if (address == 0) return LinuxLibrary{};
    return found;
}

// SYSCALL saved RIP in RCX and RFLAGS in R11, and every other register is the target's: the stub stores RCX
// and loads it with the library's entry; SYSRET enters ring 3 there with RFLAGS from R11 (APM vol 3
// "SYSCALL", "SYSRET").
SyscallStub::SyscallStub(const LinuxLibrary &library) {
    if (!library.present()) {
        constexpr u8 vmmcall[] = {0x0f, 0x01, 0xd9}; // Session makes a finding of it
        __builtin_memcpy(code, vmmcall, sizeof(vmmcall));
        return;
    }
    constexpr u8 store_rcx[] = {0x48, 0x89, 0x0c, 0x25}; // mov [imm32], rcx
    constexpr u8 load_rcx[] = {0x48, 0xc7, 0xc1};        // mov rcx, imm32
    constexpr u8 sysret[] = {0x48, 0x0f, 0x07};
    const u32 slot = static_cast<u32>(library.return_slot), entry = static_cast<u32>(library.entry);
    u8 *at = code;
    const auto append = [&at](const void *bytes, usize size) {
        __builtin_memcpy(at, bytes, size);
        at += size;
    };
    append(store_rcx, sizeof(store_rcx));
    append(&slot, sizeof(slot));
    append(load_rcx, sizeof(load_rcx));
    append(&entry, sizeof(entry));
    append(sysret, sizeof(sysret));
}

} // namespace guest
