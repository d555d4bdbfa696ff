// loader/efi/uefi.h — the tables and services of UEFI that BOOTX64.EFI uses (UEFI specification 2.10,
// chapters 4 and 7).
//
// Services use Microsoft's calling convention. Fields that are not used are named gaps.
#pragma once

#include <stddef.h>

#include "base/types.h"

namespace efi {

#define EFIAPI __attribute__((ms_abi))

using Status = u64;
using Handle = void *;
constexpr Status success = 0, load_error = 1ul << 63 | 1;

struct TableHeader {
    u64 signature;
    u32 revision, size, crc32, reserved;
};

struct Guid {
    u64 low, high;
    bool operator==(const Guid &other) const { return low == other.low && high == other.high; }
};
// EFI_ACPI_20_TABLE_GUID and ACPI_TABLE_GUID, §4.6 "EFI Configuration Table".
constexpr Guid acpi_2{0x11D3E4F18868E871, 0x81883CC7800022BC}, acpi_1{0x11D32D88EB9D2D30, 0x4DC13F279000169A};

struct TextOutput {
    void *reset;
    Status(EFIAPI *output_string)(TextOutput *self, const char16_t *text);
};

enum AllocateType : u32 { allocate_any_pages = 0, allocate_max_address = 1 };
enum MemoryType : u32 { loader_code = 1 };

// EFI_GRAPHICS_OUTPUT_PROTOCOL, §12.9 "Graphics Output Protocol".
constexpr Guid graphics_output{0x4A3823DC9042A9DE, 0x6A5180D0DE7AFB96};
enum PixelFormat : u32 {
    red_first = 0,
    blue_first = 1
}; // 8 bits each and 8 unused; others have masks, or no memory
struct GraphicsInfo {
    u32 version, width, height;
    PixelFormat format;
    u32 masks[4];
    u32 stride; // pixels
};
struct GraphicsMode {
    u32 count, current;
    GraphicsInfo *info;
    u64 info_bytes, base, bytes;
};
struct GraphicsOutput {
    void *functions[3];
    GraphicsMode *mode;
};
static_assert(offsetof(GraphicsInfo, stride) == 32 && offsetof(GraphicsMode, base) == 24);

struct BootServices {
    TableHeader header;
    void *priorities[2];
    Status(EFIAPI *allocate_pages)(AllocateType type, MemoryType memory, u64 pages, u64 *address);
    void *free_pages;
    Status(EFIAPI *get_memory_map)(u64 *bytes, void *map, u64 *key, u64 *descriptor_bytes, u32 *version);
    void *pool_events_and_protocols[2 + 6 + 9];
    void *images[4];
    Status(EFIAPI *exit_boot_services)(Handle image, u64 key);
    void *miscellaneous[3 + 2 + 3 + 2];
    Status(EFIAPI *locate_protocol)(const Guid *protocol, void *registration, void **found);
};
static_assert(offsetof(BootServices, allocate_pages) == 40 && offsetof(BootServices, get_memory_map) == 56 &&
              offsetof(BootServices, exit_boot_services) == 232 &&
              offsetof(BootServices, locate_protocol) == 320);

struct ConfigurationTable {
    Guid guid;
    u64 table;
};

struct SystemTable {
    TableHeader header;
    const char16_t *vendor;
    u64 revision;
    void *console_in[2];
    Handle console_out_handle;
    TextOutput *console_out;
    void *standard_error[2];
    void *runtime_services;
    BootServices *boot_services;
    u64 table_count;
    ConfigurationTable *tables;
};
static_assert(offsetof(SystemTable, console_out) == 64 && offsetof(SystemTable, boot_services) == 96 &&
              offsetof(SystemTable, tables) == 112);

} // namespace efi
