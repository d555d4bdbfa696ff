// mm/bootstrap.h — what stage2 hands to memory management for each core.
//
// stage2 splits free memory among the cores, takes its own frames for the kernel's world (tables, stacks,
// image) through mm::BootFrames (boot_frames.h), and hands each core one CoreSeed. Entries that stage2 makes
// are mm::HostFormat's: accessed and dirty set, never global; absent ones are zero.
#pragma once

#include "base/addr.h"
#include "base/types.h"

namespace mm {

// Frames are grouped by 2040. The first frame of every group, in every PhysRange, holds the group's frame
// table (mm/frame_table.h) and is used for nothing else.
constexpr u64 frames_per_group = 2040;
constexpr u64 group_bytes = frames_per_group * page_size;

// Free memory that one core starts with. Page aligned, not overlapping any other.
struct PhysRange {
    Phys first;
    u64 bytes = 0;
    u64 boot_bytes = 0; // of these, the last so many are in use by what stage2 built
    u32 node = 0;       // NUMA node, 0 when there is no SRAT
    u32 zero = 0;

    constexpr Phys end() const { return first + bytes; }
    constexpr bool holds(Phys p) const { return p >= first && p < end(); }
    constexpr bool holds_frame_table(Phys p) const { return (p - first) % group_bytes < page_size; }
};
static_assert(sizeof(PhysRange) == 32);

constexpr u32 max_seed_ranges = 8;
constexpr u64 window_bytes = 512 * page_size;

struct CoreSeed {
    Phys root;               // CR3 of the kernel's tables, the same for every core
    Virt window_base;        // 2 MiB aligned; window_table_frame is the level-0 table for exactly these 2 MiB
    Virt window_table;       // where that table's own page is mapped, read-write, at a random place
    Phys window_table_frame; // all entries absent, marked as a window's
    u64 entropy[4] = {};     // fresh words for this core alone; mixed into its generator, then cleared
    u32 core = 0;
    u32 node = 0;
    u32 range_count = 0;
    u32 zero = 0;
    PhysRange ranges[max_seed_ranges];
};
static_assert(sizeof(CoreSeed) == 80 + max_seed_ranges * sizeof(PhysRange));

// KASLR: all 36 bits above the page offset are random; the pages nearest to NULL and to the four ends of the
// two canonical halves are refused, so small offsets from a null or a wild pointer never land on anything.
constexpr u64 kept_free_at_ends = 1_GiB;
constexpr bool placeable(Virt first, u64 bytes) {
    constexpr u64 half = 1ul << 47;
    const u64 low = first.value() & ((1ul << 48) - 1);
    const u64 in_half = low & (half - 1);
    return is_canonical(first.value()) && bytes <= half && in_half >= kept_free_at_ends &&
           in_half <= half - kept_free_at_ends && bytes <= half - kept_free_at_ends - in_half;
}

} // namespace mm
