// kernel/boot_memory.h — what the boot left in memory: free frames for core 0, or kept as it is, so that the
// machine can start again without its firmware.
//
// A reboot enters stage2 as the stage before it did, so it needs all that stage2 found then: the hand-off,
// the firmware's memory map, the page tables, the loader that draws, stage2 itself, and the kernel's file.
// These 900 KiB or so stay where they are, in frames that no pool has and nothing maps. The bundle stays in
// any case.
#pragma once

#include "boot/formats/memory_map.h"
#include "kernel/world.h"

namespace kernel {

struct BootMemory {
    static constexpr u32 most_ranges = 3;

    boot::Handoff handoff{};
    Phys handoff_at;
    boot::Range ranges[most_ranges]; // what a reboot needs; not all of them whole pages
    u32 count = 0;
    bool kept = false;
    u64 xxh64 = 0; // of all ranges, when they are kept

    u64 bytes() const;
};

// It is kept when it is at most one part in so many of the machine's memory: small machines need theirs.
constexpr u64 most_to_keep = 32;

// Core 0, once all cores have arrived: gives `pool` what is not kept.
rstate::Result<> take_boot_memory(const boot::CoreArgs &args, FramePool &pool);
const BootMemory &boot_memory();
// That what is kept is what it was.
rstate::Result<> check_boot_memory();

// Memory that is nobody's frames, through this core's window, which forgets it at once.
rstate::Result<> read_physical(Phys from, MutableBytes to);
rstate::Result<> write_physical(Phys to, Bytes from);

} // namespace kernel
