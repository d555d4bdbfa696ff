// loader/efi/main.cpp — BOOTX64.EFI: copies the package below 4 GiB, ends the firmware's services, enters the
// loader.
//
// The firmware loaded the package behind this program (boot/contract/package.h). This program converts the
// firmware's tables into a PVH start info, which the loader can read. Until ExitBootServices, a failure
// returns to the firmware, which tries its next boot entry.
#include "base/check.h"
#include "boot/contract/package.h"
#include "boot/formats/efi_map.h"
#include "boot/formats/start_info.h"
#include "cpu/ops.h"
#include "loader/efi/uefi.h"

extern "C" const u8 program_end[]; // from efi.ld; the package begins on the next page

void check_failed(const CheckSite &, const u64 *, u32) { __builtin_trap(); }

namespace efi {

namespace {

constexpr u64 uefi_entry = 0x210;      // in the loader: RSI = PVH start info (loader/entry.asm)
constexpr u64 raw_map_bytes = 128_KiB; // chosen: real maps have up to a few hundred entries of 48 bytes
constexpr u32 tries = 4; // a firmware event between GetMemoryMap and ExitBootServices changes the map

struct Info {
    boot::UefiInfo uefi;
    boot::MapEntry map[boot::StartInfo::capacity];
};
constexpr u64 info_bytes = align_up(sizeof(Info), page_size);

const boot::Package &package() {
    return *reinterpret_cast<const boot::Package *>(align_up(reinterpret_cast<u64>(program_end), page_size));
}

Status fail(const SystemTable &system, const char16_t *why) {
    system.console_out->output_string(system.console_out, u"raclette: stop: ");
    system.console_out->output_string(system.console_out, why);
    system.console_out->output_string(system.console_out, u"\r\n");
    return load_error;
}

u64 find_rsdp(const SystemTable &system) {
    u64 older = 0;
    for (u64 i = 0; i < system.table_count; ++i) {
        if (system.tables[i].guid == acpi_2) return system.tables[i].table;
        if (system.tables[i].guid == acpi_1) older = system.tables[i].table;
    }
    return older;
}

// The framebuffer in the firmware's current mode; none when its pixels are not 8 bits a colour.
boot::Framebuffer find_framebuffer(BootServices &services) {
    void *found = nullptr;
    if (services.locate_protocol(&graphics_output, nullptr, &found) != success) return {};
    const GraphicsMode &mode = *static_cast<GraphicsOutput *>(found)->mode;
    const GraphicsInfo &info = *mode.info;
    if (info.format != red_first && info.format != blue_first) return {};
    return {mode.base, info.width, info.height, info.stride, 0};
}

// ExitBootServices takes the key of the current map and fails when the map has changed since (UEFI 2.10
// §7.4.6 "EFI_BOOT_SERVICES.ExitBootServices()").
u32 end_services(Handle image, BootServices &services, MutableBytes raw, Info &info) {
    for (u32 i = 0; i < tries; ++i) {
        u64 bytes = raw.size(), key = 0, descriptor_bytes = 0;
        u32 version = 0;
        if (services.get_memory_map(&bytes, raw.data(), &key, &descriptor_bytes, &version) != success)
            return 0;
        if (services.exit_boot_services(image, key) != success) continue;
        cpu::disable_interrupts();
        return boot::convert_efi_map(raw.first(bytes), descriptor_bytes, info.map);
    }
    return 0;
}

Status start(Handle image, SystemTable &system) {
    if (package().magic != boot::Package::expected_magic)
        return fail(system, u"there is no package behind BOOTX64.EFI: copy the whole file");
    const u64 bytes = align_up(package().bundle + package().bundle_bytes, page_size);
    u64 place = 0xFFFFFFFF; // the loader and stage2 map 4 GiB
    const u64 pages = (bytes + info_bytes + raw_map_bytes) / page_size;
    if (system.boot_services->allocate_pages(allocate_max_address, loader_code, pages, &place) != success)
        return fail(system, u"too little memory below 4 GiB");
    __builtin_memcpy(reinterpret_cast<void *>(place), &package(), bytes);

    auto &info = *reinterpret_cast<Info *>(place + bytes);
    const MutableBytes raw{reinterpret_cast<u8 *>(place + bytes + info_bytes), raw_map_bytes};
    info.uefi.framebuffer = find_framebuffer(*system.boot_services);
    info.uefi.start = {
        boot::hvm_magic, 1, 0, 0, 0, 0, find_rsdp(system), reinterpret_cast<u64>(info.map), 0, 0};
    info.uefi.start.memmap_entries = end_services(image, *system.boot_services, raw, info);
    // After a failure there is no entry and the loader reports that: the firmware's console may be gone.
    using Loader = void (*)(u64 unused, const boot::UefiInfo *);
    reinterpret_cast<Loader>(place + uefi_entry)(0, &info.uefi);
    __builtin_unreachable();
}

} // namespace

} // namespace efi

extern "C" EFIAPI efi::Status efi_main(efi::Handle image, efi::SystemTable *system) {
    system->console_out->output_string(system->console_out, u"1 raclette: started by UEFI\r\n");
    return efi::start(image, *system);
}
