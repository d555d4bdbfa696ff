// boot/handoff.h — the contracts between stages: what stage1 hands to stage2, and stage2 to each core of the
// kernel.
//
// All fields have fixed widths and fixed places; tools/offsets.cpp prints them for the assembly side.
// docs/boot.md has the table of modes, registers and free memory that goes with them.
#pragma once

#include <stddef.h>

#include "base/core.h"
#include "base/types.h"

namespace boot {

// What every way in ends with: stage2's entry gets RDI = address of a Handoff, in 64-bit mode with the
// first 4 GiB mapped to themselves. Owned by whoever made it; stage2 copies what it needs.
struct Handoff {
    static constexpr u64 expected_magic = 0x31464F4454454C52; // "RLETDOF1"
    static constexpr u32 expected_version = 1;

    u64 magic;
    u32 version;
    u32 size;
    u64 build_id;
    u64 map; // physical address of E820 entries, MapEntry each, as the firmware gave them: unsorted,
             // overlapping
    u32 map_count;
    u32 boot_drive; // BIOS number, for the log
    u64 kernel;     // physical, ELF64 image as on disk
    u64 kernel_bytes;
    u64 kernel_xxh64;
    u64 bundle; // physical
    u64 bundle_bytes;
    u64 bundle_xxh64;
    u64 stage2;     // physical address of stage2's first byte
    u64 entropy[4]; // time stamps taken around disk reads; mixed in, never trusted alone
};
static_assert(sizeof(Handoff) == 128);
static_assert(offsetof(Handoff, map) == 24 && offsetof(Handoff, kernel) == 40 &&
              offsetof(Handoff, entropy) == 96);

// One entry of INT 15h AX=E820h (ACPI specification, "INT 15H, E820H - Query System Address Map").
struct MapEntry {
    u64 base;
    u64 length;
    u32 type;       // 1 is memory that may be used
    u32 attributes; // ACPI 3.0; bit 0 clear means "ignore this entry"
};
static_assert(sizeof(MapEntry) == 24);

// Physical pages [first, first + pages * 4096) on a memory node.
struct PageRange {
    u64 first;
    u64 pages;
    u32 node;
    u32 reserved;
};

constexpr u32 max_ranges_per_core = 24;
constexpr u32 max_reclaimed = 8;

// What each core finds behind RDI in the kernel's entry, in a page of its own at a random address. Read-only
// for the kernel. Virtual addresses are the kernel's.
struct CoreArgs {
    static constexpr u64 expected_magic = 0x3145524F43454C52; // "RLECORE1"

    u64 magic;
    u64 build_id;
    u32 core;       // dense number, 0 boots
    u32 core_count; // cores that were started, this one included
    u32 apic_id;
    u32 node;
    u64 root;         // physical address of the top page table, shared by all cores
    u64 kernel_base;  // virtual; the slide, since the image is linked at 0
    u64 kernel_bytes; // of address space
    u64 stack_bottom; // virtual; the pages below and above [bottom, top) are unmapped
    u64 stack_top;
    u64 window_base;  // virtual, 2 MiB aligned, 512 pages
    u64 window_table; // virtual; the page table of the window, mapped read-write
    u64 bundle;       // virtual, read-only
    u64 bundle_bytes;
    u64 handover_page;   // virtual = physical: the page through which cores arrived, unmapped by core 0
    u64 lapic;           // physical address of the local APIC's registers
    u64 tsc_at_stage2;   // time stamps for the boot time's account
    u64 tsc_hz;          // measured against the PIT
    u64 random[4];       // this core's seed for addresses and keys, unlike any other core's
    u32 entropy_sources; // bit 0 RDRAND, bit 1 RDSEED, bit 2 TSC jitter
    u32 range_count;
    PageRange ranges[max_ranges_per_core];
    u32 reclaimed_count; // core 0: boot memory that is free once all cores have arrived
    u32 node_count;
    PageRange reclaimed[max_reclaimed];
    u64 args_pages[max_cores]; // virtual address of each core's CoreArgs
};
static_assert(sizeof(CoreArgs) <= page_size);

} // namespace boot
