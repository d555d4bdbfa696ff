// boot/contract/core_args.h — the contract between stage2 and the kernel: RDI points to it when a core
// enters the kernel.
//
// One page for each core, at a random address of its own, read-only for the kernel. All virtual addresses
// are the kernel's. docs/boot.md says in which mode a core arrives.
#pragma once

#include "base/core.h"
#include "base/types.h"
#include "boot/contract/handoff.h"
#include "mm/bootstrap.h"

namespace boot {

constexpr u32 max_io_apics = 16; // chosen: a board with two sockets has ten or so

struct CoreArgs {
    static constexpr u64 expected_magic = 0x3145524F43454C52; // "RLECORE1"
    static constexpr u64 assumed_tsc_hz = 2'000'000'000;      // where tsc_hz is 0

    // For limits of time, where a wrong rate does less harm than none.
    u64 ticks_per_second() const { return tsc_hz != 0 ? tsc_hz : assumed_tsc_hz; }

    u64 magic;
    u64 build_id;
    u32 core;       // dense number, 0 boots
    u32 core_count; // cores that were started, this one included
    u32 apic_id;
    u32 entropy_sources; // bit 0 RDRAND, bit 1 RDSEED, bit 2 time-stamp jitter
    u64 kernel_base;     // virtual: the KASLR slide, since the image is linked at 0
    u64 kernel_bytes;    // of address space
    u64 text_bytes;      // executable part, from kernel_base
    u64 stack_bottom;    // virtual; the pages below and above [bottom, top) are unmapped
    u64 stack_top;
    u64 bundle; // virtual, read-only
    u64 bundle_bytes;
    u64 handover_page; // virtual = physical: the page through which cores arrive; core 0 unmaps it
    u64 lapic;         // physical address of the local APIC's registers
    u32 io_apic_count;
    u32 io_apics[max_io_apics]; // physical addresses; stage2 has masked all their entries
    u64 tsc_at_stage2;          // for the times of the boot
    u64 tsc_hz;                 // measured against the PIT, 0 without a PIT
    u64 memory_pages;           // of the whole machine, usable
    Framebuffer framebuffer;    // core 0 shows its lines there
    // Core 0 only: what stage2 was entered with. It lies unchanged in memory that is in no core's seed;
    // kernel/boot_memory.h takes it over.
    u64 handoff;            // physical address of the boot::Handoff
    u64 boot_tables;        // CR3
    u64 args_of[max_cores]; // virtual address of each core's CoreArgs
    mm::CoreSeed seed;
};
static_assert(sizeof(CoreArgs) <= page_size);

} // namespace boot
