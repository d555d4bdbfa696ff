// boot/formats/efi_map.cpp — see efi_map.h. UEFI specification 2.10, §7.2.3
// "EFI_BOOT_SERVICES.GetMemoryMap()".
#include "boot/formats/efi_map.h"

#include "boot/formats/bytes.h"

namespace boot {

namespace {

struct EfiMemoryDescriptor {
    u32 type, padding;
    u64 physical_start, virtual_start, number_of_pages, attribute;
};
static_assert(sizeof(EfiMemoryDescriptor) == 40);

enum EfiMemoryType : u32 {
    loader_code = 1,
    loader_data = 2,
    boot_services_code = 3,
    boot_services_data = 4,
    conventional = 7,
    acpi_reclaim = 9,
    acpi_nvs = 10,
};

// ACPI 6.5 table 15.6 "UEFI Memory Types and mapping to ACPI address range types". Memory of the loader and
// of the boot services is free after ExitBootServices.
u32 type_of(u32 efi_type) {
    switch (efi_type) {
    case loader_code:
    case loader_data:
    case boot_services_code:
    case boot_services_data:
    case conventional:
        return 1;
    case acpi_reclaim:
        return 3;
    case acpi_nvs:
        return 4;
    default:
        return 2;
    }
}

} // namespace

u32 convert_efi_map(Bytes raw, u64 descriptor_bytes, Span<MapEntry> entries) {
    if (descriptor_bytes < sizeof(EfiMemoryDescriptor)) return 0;
    u32 count = 0;
    EfiMemoryDescriptor next{};
    for (u64 at = 0; load(raw, at, next); at += descriptor_bytes) {
        u64 bytes = 0;
        if (!mul_checked(next.number_of_pages, page_size, bytes)) return 0;
        MapEntry *last = count == 0 ? nullptr : &entries[count - 1];
        const u32 type = type_of(next.type);
        if (last != nullptr && last->type == type && last->base + last->length == next.physical_start) {
            last->length += bytes;
            continue;
        }
        if (count == entries.size()) return count + 1;
        entries[count++] = {next.physical_start, bytes, type, 1};
    }
    return count;
}

} // namespace boot
