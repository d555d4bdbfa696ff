// boot/formats/memory_map.h — the usable memory of the firmware's E820 map: sorted, without overlaps, whole
// pages.
//
// Firmware gives entries unsorted, overlapping, empty or wrapping round. Where two disagree, the memory is
// not usable.
#pragma once

#include "boot/contract/handoff.h"
#include "rstate/result.h"

namespace boot {

struct Range {
    u64 start = 0, end = 0; // physical, page aligned, end exclusive
    u64 pages() const { return (end - start) / page_size; }
};

class MemoryMap final {
  public:
    static constexpr u32 capacity = 256;

    // Usable memory of `entries`: the union of type 1, less everything else.
    rstate::Result<> build(Span<const MapEntry> entries);
    // Removes [start, start + bytes), widened to pages, from the map; parts that are not in the map do not
    // matter.
    rstate::Result<> remove(u64 start, u64 bytes);
    // True when all of [start, start + bytes) is usable.
    bool contains(u64 start, u64 bytes) const;

    u64 total_pages() const;
    Span<const Range> ranges() const { return Span<const Range>(ranges_, count_); }

  private:
    rstate::Result<> insert(u32 at, Range range);
    rstate::Result<> add(Range range);
    Range ranges_[capacity];
    u32 count_ = 0;
};

} // namespace boot
