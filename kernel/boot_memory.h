// kernel/boot_memory.h — the memory that the boot used: the kernel frees it for core 0, or keeps it so that
// the machine can reboot without its firmware.
//
// A reboot enters stage2 as the previous stage did, so it needs everything that stage2 needs: the hand-off,
// the firmware's memory map, the page tables, the loader that draws on the screen, stage2 itself, and the
// kernel's file. These 900 KiB or so stay where they are, in frames that no pool contains and no table maps.
// The bundle stays in any case.
#pragma once

#include "boot/formats/memory_map.h"
#include "kernel/world.h"

namespace kernel {

struct BootMemory {
    static constexpr u32 most_ranges = 3;

    boot::Handoff handoff{};
    Phys handoff_at;
    boot::Range ranges[most_ranges]; // what a reboot needs; not all are whole pages
    u32 count = 0;
    bool kept = false;
    u64 xxh64 = 0; // hash of all ranges, when they are kept

    u64 bytes() const;
};

// The kernel keeps it when it is at most this fraction of the machine's memory (1/32): a small machine needs
// the memory itself.
constexpr u64 most_to_keep = 32;

// Core 0, after all cores have started: adds to `pool` what is not kept.
rstate::Result<> take_boot_memory(const boot::CoreArgs &args, FramePool &pool);
const BootMemory &boot_memory();
// Fails if the kept memory has changed.
rstate::Result<> check_boot_memory();

// Read and write memory that belongs to no frame pool, through this core's window, which drops the mapping at
// once.
rstate::Result<> read_physical(Phys from, MutableBytes to);
rstate::Result<> write_physical(Phys to, Bytes from);

} // namespace kernel
