// boot/formats/memory_map.h — the firmware's memory map made honest: sorted, without overlaps, whole pages,
// only what is usable.
//
// Firmware gives entries unsorted, overlapping, of zero length or wrapping round; where two disagree the
// less usable one wins. Taking from the map removes it from what is left.
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
    // Takes [start, start + bytes), widened to pages, out of the map; what of it is not there does not
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
