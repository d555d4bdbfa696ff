// mm/record.h — the record of one range of addresses, live or freed; and the handle of a range.
#pragma once

#include "mm/absent_entry.h"
#include "mm/allocator.h"

namespace mm {

enum class RangeKind : u8 {
    memory,     // frames of a pool: stacks, tables, per-core data
    heap_block, // one allocation of the page heap
    device,     // a device's registers: not frames
    lazy,       // pages come from a pager
};
enum class RangeState : u8 { vacant, live, freed };

// Gives a lazy range its pages (demand paging). Runs in the page fault on the core that touched the page,
// with no lock held: it may wait, allocate, fail, or touch lazy memory itself. Two cores may ask for one page
// at once; one answer is used.
struct Pager {
    void *context = nullptr;
    // Fills a fresh page; its old contents are arbitrary.
    rstate::Result<void> (*fill)(void *context, u64 page, u8 *bytes) = nullptr;
    // Or, instead: a frame that stays the pager's, mapped read-only until a write copies it (copy-on-write);
    // each frame for at most 4095 pages at a time (mm/frame_table.h).
    rstate::Result<Phys> (*share)(void *context, u64 page) = nullptr;
};

struct Record {
    Virt first; // pages [first, first + pages), without the guard page on either side
    u64 pages = 0;
    u64 key = 0;
    Virt block; // what was asked for, to the byte
    u64 size = 0;
    AllocationSite site; // who made it, and as what
    const void *freed_from = nullptr;
    const Pager *pager = nullptr;
    u32 next = 0;                 // id of the record freed after this one
    u32 number = 0;               // ranges are numbered as they are made, ids are used again
    u8 made_by = 0, freed_by = 0; // cores
    RangeKind kind = RangeKind::memory;
    RangeState state = RangeState::vacant;
    Owner owner = Owner::none; // of its frames
    Permissions allowed;
};
static_assert(sizeof(Record) <= 128);

// Whether the range was made after the first `made` ranges; right while fewer than 2^31 lie between.
inline bool made_since(const Record &record, u32 made) { return record.number - made < 1u << 31; }

// Whether the frames that the range maps count as mapped. A window's do not: its slots show frames of other
// owners while they are pinned.
inline bool counts_mappings(const Record &record) {
    return record.owner != Owner::none || record.kind == RangeKind::device;
}

constexpr u64 most_range_pages = 1ul << 24; // 64 GiB

// The handle of a range: its key allows to map there.
struct Range {
    Virt first;
    u64 pages = 0;
    u32 id = 0;
    u64 key = 0;

    Virt page(u64 index) const { return first + index * page_size; }
    Virt end() const { return page(pages); }
};

} // namespace mm
