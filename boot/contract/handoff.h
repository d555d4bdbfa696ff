// boot/contract/handoff.h — the contract between stage1, or the loader, and stage2.
//
// All fields have fixed widths and fixed places; tools/offsets.cpp prints them for the assembly side.
// docs/boot.md has the table of modes, registers and free memory that goes with them.
#pragma once

#include <stddef.h>

#include "base/types.h"

namespace boot {

// A linear framebuffer, 32 bits a pixel; base 0 when there is none.
struct Framebuffer {
    u64 base; // physical
    u32 width, height;
    u32 stride; // pixels from one line to the next
    u32 row;    // of text: where the next line goes
};

// Every way in ends with it: stage2's entry gets RDI = address of a Handoff, in 64-bit mode with the first 4
// GiB mapped to themselves. It lies in memory of the stage that made it; stage2 copies what it needs.
struct Handoff {
    static constexpr u64 expected_magic = 0x31464F4454454C52; // "RLETDOF1"
    static constexpr u32 expected_version = 3;

    u64 magic;
    u32 version;
    u32 size;
    u64 build_id;
    u64 map; // physical address of E820 entries, MapEntry each, as the firmware gave them: unsorted,
             // overlapping
    u32 map_count;
    u32 reserved;
    u64 kernel; // physical, ELF64 image as on disk
    u64 kernel_bytes;
    u64 kernel_xxh64;
    u64 bundle; // physical
    u64 bundle_bytes;
    u64 bundle_xxh64;
    u64 stage2;     // physical address of stage2's first byte
    u64 entropy[4]; // time stamps taken around disk reads; mixed in, never the only source
    u64 rsdp;       // physical address of ACPI's root pointer; 0 when unknown: stage2 searches for it
    u64 area;       // physical, page aligned: memory above the first MiB with this Handoff, the map, the page
                    // tables and stage2 in it; free once the kernel runs
    u64 area_bytes; // 0 when all of that lies in the first MiB
    u64 console; // u32 (*)(const char *, u64 bytes): draws text on the framebuffer, returns the next row; or
                 // 0
    Framebuffer framebuffer;
};
static_assert(sizeof(Handoff) == 184);
static_assert(offsetof(Handoff, map) == 24 && offsetof(Handoff, kernel) == 40 &&
              offsetof(Handoff, entropy) == 96 && offsetof(Handoff, rsdp) == 128);

// One entry of INT 15h AX=E820h (ACPI specification, "INT 15H, E820H - Query System Address Map").
struct MapEntry {
    u64 base;
    u64 length;
    u32 type;       // 1 is memory that may be used
    u32 attributes; // ACPI 3.0; bit 0 clear: ignore this entry
};
static_assert(sizeof(MapEntry) == 24);

} // namespace boot
