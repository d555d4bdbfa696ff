// boot/formats/start_info.h — what a loader that is not ours says about the machine, in one of three
// dialects.
//
// PVH ("x86/HVM direct boot ABI" of Xen), Multiboot2 and Linux's boot_params each end in the same: entries as
// INT 15h AX=E820h gives them, and perhaps where ACPI's root pointer is.
#pragma once

#include "boot/contract/handoff.h"
#include "boot/formats/acpi.h"
#include "rstate/result.h"

namespace boot {

// Xen's public/arch-x86/hvm/start_info.h; our own EFI program makes one too.
struct HvmStartInfo {
    u32 magic, version, flags, nr_modules;
    u64 modlist_paddr, cmdline_paddr, rsdp_paddr;
    u64 memmap_paddr; // from version 1 on: address, size, type and 4 reserved bytes each
    u32 memmap_entries, reserved;
};
static_assert(sizeof(HvmStartInfo) == 56);
constexpr u32 hvm_magic = 0x336EC578;

// What our EFI program hands to the loader.
struct UefiInfo {
    HvmStartInfo start;
    Framebuffer framebuffer;
};

struct StartInfo {
    static constexpr u32 capacity = 511; // as many as stage1 takes from a BIOS
    MapEntry map[capacity]{};
    u32 count = 0;
    u64 rsdp = 0;          // physical, 0 when not told
    u8 rsdp_copy[36] = {}; // where the loader has only a copy, in memory that nobody keeps: one that is ours
    Framebuffer framebuffer{};
};

// `address` is what the loader left in a register; everything behind it is read through `view`.
rstate::Result<> read_pvh(u64 address, const PhysicalView &view, StartInfo &info);
rstate::Result<> read_multiboot2(u64 address, const PhysicalView &view, StartInfo &info);
rstate::Result<> read_uefi(u64 address, const PhysicalView &view, StartInfo &info);
rstate::Result<> read_linux(u64 address, const PhysicalView &view, StartInfo &info);

} // namespace boot
