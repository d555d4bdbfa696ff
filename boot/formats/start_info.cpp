// boot/formats/start_info.cpp — see start_info.h.
#include "boot/formats/start_info.h"

#include "boot/formats/bytes.h"
#include "boot/formats/codes.h"

namespace boot {

namespace {

rstate::Result<> add(StartInfo &info, u64 base, u64 length, u32 type) {
    if (info.count == StartInfo::capacity)
        return FAIL(bad_memory_map, "the memory map has too many entries", info.count);
    info.map[info.count++] = {base, length, type, 1};
    return {};
}

rstate::Result<> some_memory(const StartInfo &info) {
    if (info.count == 0) return FAIL(bad_memory_map, "the boot loader gives no memory map");
    return {};
}

struct HvmMemoryEntry {
    u64 addr, size;
    u32 type, reserved;
};
static_assert(sizeof(HvmMemoryEntry) == 24);

// ---- Multiboot2 specification 2.0, §3.6 "Boot information format" ------------------------------------
struct Tag {
    u32 type, size;
};
struct MemoryTag {
    Tag tag;
    u32 entry_size, entry_version;
};
struct Multiboot2Entry {
    u64 base, length;
    u32 type, reserved;
};
constexpr u32 tag_end = 0, tag_memory = 6, tag_old_rsdp = 14, tag_new_rsdp = 15;
constexpr u64 largest_info = 1_MiB; // chosen: real ones have a few KiB

rstate::Result<> read_memory_tag(Bytes tag, StartInfo &info) {
    MemoryTag header{};
    if (!load(tag, 0, header) || header.entry_size < sizeof(Multiboot2Entry))
        return FAIL(bad_handoff, "Multiboot2's memory map has an impossible entry size", tag.size(),
                    header.entry_size);
    Multiboot2Entry entry{};
    for (u64 at = sizeof header; load(tag, at, entry); at += header.entry_size)
        TRY(add(info, entry.base, entry.length, entry.type), "reading Multiboot2's memory map", at);
    return {};
}

void keep_rsdp(Bytes copy, StartInfo &info) {
    const u64 bytes = min<u64>(copy.size(), sizeof info.rsdp_copy);
    for (u64 i = 0; i < bytes; ++i) info.rsdp_copy[i] = copy[i];
    info.rsdp = reinterpret_cast<u64>(info.rsdp_copy);
}

// ---- Linux: Documentation/arch/x86/zero-page.rst and boot.rst ----------------------------------------
struct [[gnu::packed]] LinuxEntry {
    u64 addr, size;
    u32 type;
};
struct [[gnu::packed]] SetupData {
    u64 next;
    u32 type, len;
};
static_assert(sizeof(LinuxEntry) == 20 && sizeof(SetupData) == 16);
constexpr u64 boot_params_bytes = 4096, acpi_rsdp_addr = 0x070, e820_entries = 0x1E8, header_magic = 0x202,
              setup_data = 0x250, e820_table = 0x2D0;
constexpr u32 hdrs = 0x53726448, most_in_page = 128, setup_e820_ext = 1, most_nodes = 64;

rstate::Result<> read_linux_entries(Bytes table, u64 count, StartInfo &info) {
    LinuxEntry entry{};
    for (u64 i = 0; i < count && load(table, i * sizeof entry, entry); ++i)
        TRY(add(info, entry.addr, entry.size, entry.type), "reading Linux's memory map", i);
    return {};
}

} // namespace

rstate::Result<> read_pvh(u64 address, const PhysicalView &view, StartInfo &info) {
    HvmStartInfo start{};
    if (!load(view(address, sizeof start), 0, start) || start.magic != hvm_magic)
        return FAIL(bad_handoff, "no PVH start info at this address", Phys(address), start.magic);
    if (start.version < 1)
        return FAIL(bad_handoff, "the PVH start info's version has no memory map", start.version);
    const u64 bytes = u64{start.memmap_entries} * sizeof(HvmMemoryEntry);
    const Bytes table = view(start.memmap_paddr, bytes);
    HvmMemoryEntry entry{};
    for (u64 at = 0; load(table, at, entry); at += sizeof entry)
        TRY(add(info, entry.addr, entry.size, entry.type), "reading PVH's memory map", at);
    info.rsdp = start.rsdp_paddr;
    return some_memory(info);
}

rstate::Result<> read_uefi(u64 address, const PhysicalView &view, StartInfo &info) {
    UefiInfo uefi{};
    if (!load(view(address, sizeof uefi), 0, uefi))
        return FAIL(bad_handoff, "no information of BOOTX64.EFI at this address", Phys(address));
    info.framebuffer = uefi.framebuffer;
    return read_pvh(address, view, info);
}

rstate::Result<> read_multiboot2(u64 address, const PhysicalView &view, StartInfo &info) {
    u32 size = 0;
    if (!load(view(address, sizeof size), 0, size) || size > largest_info)
        return FAIL(bad_handoff, "Multiboot2's information has an impossible size", Phys(address), size);
    const Bytes all = view(address, size);
    Tag tag{};
    for (u64 at = 8; load(all, at, tag) && tag.type != tag_end; at += align_up(tag.size, 8)) {
        if (tag.size < sizeof tag || !all.holds(at, tag.size))
            return FAIL(bad_handoff, "a Multiboot2 tag has an impossible size", at, tag.size);
        if (tag.type == tag_memory)
            TRY(read_memory_tag(all.sub(at, tag.size), info), "reading a Multiboot2 tag", at);
        // The tag holds a copy of the root pointer. The one of ACPI 2.0 is preferred, whichever comes first.
        if (tag.type == tag_new_rsdp || (tag.type == tag_old_rsdp && info.rsdp == 0))
            keep_rsdp(all.sub(at + sizeof tag, tag.size - sizeof tag), info);
    }
    return some_memory(info);
}

rstate::Result<> read_linux(u64 address, const PhysicalView &view, StartInfo &info) {
    const Bytes params = view(address, boot_params_bytes);
    u32 magic = 0;
    if (!load(params, header_magic, magic) || magic != hdrs)
        return FAIL(bad_handoff, "no Linux boot_params at this address", Phys(address), magic);
    u8 count = 0;
    u64 node = 0;
    (void)(load(params, acpi_rsdp_addr, info.rsdp) && load(params, e820_entries, count) &&
           load(params, setup_data, node)); // the whole page was readable: these cannot fail
    TRY(read_linux_entries(params.from(e820_table), min<u64>(count, most_in_page), info),
        "reading the entries in boot_params");
    // Entries beyond 128 are in a list of setup_data (SETUP_E820_EXT). The limit ends a list that is
    // circular.
    SetupData data{};
    for (u32 i = 0; node != 0 && i < most_nodes && load(view(node, sizeof data), 0, data);
         ++i, node = data.next) {
        if (data.type != setup_e820_ext) continue;
        TRY(read_linux_entries(view(node + sizeof data, data.len), data.len / sizeof(LinuxEntry), info),
            "reading the entries behind boot_params", node);
    }
    return some_memory(info);
}

} // namespace boot
