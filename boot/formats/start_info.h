// boot/formats/start_info.h — what another boot loader says about the machine, by one of three boot
// protocols.
//
// PVH (Xen's "x86/HVM direct boot ABI"), Multiboot2 and Linux's boot_params give the same: E820 entries and,
// optionally, ACPI's root pointer.
#pragma once

#include "boot/contract/handoff.h"
#include "boot/formats/acpi.h"
#include "rstate/result.h"

namespace boot {

// Xen's public/arch-x86/hvm/start_info.h; BOOTX64.EFI makes one too.
struct HvmStartInfo {
    u32 magic, version, flags, nr_modules;
    u64 modlist_paddr, cmdline_paddr, rsdp_paddr;
    u64 memmap_paddr; // from version 1 on: address, size, type and 4 reserved bytes each
    u32 memmap_entries, reserved;
};
static_assert(sizeof(HvmStartInfo) == 56);
constexpr u32 hvm_magic = 0x336EC578;

// What BOOTX64.EFI hands to the loader.
struct UefiInfo {
    HvmStartInfo start;
    Framebuffer framebuffer;
};

struct StartInfo {
    static constexpr u32 capacity = 511; // as in stage1
    MapEntry map[capacity]{};
    u32 count = 0;
    u64 rsdp = 0;          // physical, 0 when unknown
    u8 rsdp_copy[36] = {}; // Multiboot2 gives a copy in memory that is free later: kept here
    Framebuffer framebuffer{};
};

// `address` is the register's value at the entry; all memory is read through `view`.
rstate::Result<> read_pvh(u64 address, const PhysicalView &view, StartInfo &info);
rstate::Result<> read_multiboot2(u64 address, const PhysicalView &view, StartInfo &info);
rstate::Result<> read_uefi(u64 address, const PhysicalView &view, StartInfo &info);
rstate::Result<> read_linux(u64 address, const PhysicalView &view, StartInfo &info);

} // namespace boot
