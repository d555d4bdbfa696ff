// boot/formats/memory_map.cpp — see memory_map.h.
#include "boot/formats/memory_map.h"

#include "boot/formats/codes.h"

namespace boot {

namespace {

constexpr u32 type_usable = 1;
// Physical addresses have at most 52 bits (APM vol 2 §5.1 "Page Translation Overview"): more is a firmware
// error.
constexpr u64 physical_limit = 1ul << 52;

// ACPI 3.0 "Extended Attributes": bit 0 clear means ignore this entry.
bool is_valid(const MapEntry &entry) { return (entry.attributes & 1) != 0 && entry.length != 0; }

// An entry that wraps round, or begins beyond what a processor can address, is a firmware error.
bool is_usable(const MapEntry &entry) {
    u64 end = 0;
    return entry.type == type_usable && is_valid(entry) && entry.base < physical_limit &&
           add_checked(entry.base, entry.length, end);
}

} // namespace

rstate::Result<> MemoryMap::insert(u32 at, Range range) {
    if (count_ == capacity) return FAIL(bad_memory_map, "the memory map has too many pieces", count_);
    for (u32 i = count_; i > at; --i) ranges_[i] = ranges_[i - 1];
    ranges_[at] = range;
    ++count_;
    return {};
}

rstate::Result<> MemoryMap::add(Range range) {
    if (range.start >= range.end) return {};
    u32 at = 0;
    while (at < count_ && ranges_[at].end < range.start) ++at;
    // All ranges that it touches become one.
    u32 last = at;
    while (last < count_ && ranges_[last].start <= range.end) {
        range.start = min(range.start, ranges_[last].start);
        range.end = max(range.end, ranges_[last].end);
        ++last;
    }
    if (last == at) return insert(at, range);
    ranges_[at] = range;
    for (u32 i = last; i < count_; ++i) ranges_[at + 1 + i - last] = ranges_[i];
    count_ -= last - at - 1;
    return {};
}

rstate::Result<> MemoryMap::build(Span<const MapEntry> entries) {
    count_ = 0;
    for (const MapEntry &entry : entries) {
        if (!is_usable(entry)) continue;
        const u64 end = min(entry.base + entry.length, physical_limit);
        TRY(add({align_up(entry.base, page_size), align_down(end, page_size)}), "adding usable memory",
            entry.base, entry.length);
    }
    for (const MapEntry &entry : entries) {
        if (entry.type == type_usable || !is_valid(entry)) continue;
        TRY(remove(entry.base, entry.length), "taking out memory that is not usable", entry.base,
            entry.length);
    }
    return {};
}

rstate::Result<> MemoryMap::remove(u64 start, u64 bytes) {
    if (bytes == 0) return {};
    u64 end = 0;
    if (!add_checked(start, bytes, end) || end > physical_limit) end = physical_limit;
    start = align_down(start, page_size);
    end = align_up(end, page_size);
    for (u32 i = 0; i < count_; ++i) {
        Range &range = ranges_[i];
        if (range.end <= start || range.start >= end) continue;
        const Range behind{end, range.end};
        range.end = max(range.start, min(range.end, start));
        const bool gone = range.start == range.end;
        if (behind.start < behind.end && gone) {
            range = behind;
        } else if (behind.start < behind.end) {
            return insert(i + 1, behind); // all of it lay inside this range
        } else if (gone) {
            for (u32 j = i + 1; j < count_; ++j) ranges_[j - 1] = ranges_[j];
            --count_;
            --i;
        }
    }
    return {};
}

bool MemoryMap::contains(u64 start, u64 bytes) const {
    u64 end = 0;
    if (!add_checked(start, bytes, end)) return false;
    for (const Range &range : ranges())
        if (range.start <= start && end <= range.end) return true;
    return false;
}

u64 MemoryMap::total_pages() const {
    u64 total = 0;
    for (const Range &range : ranges()) total += range.pages();
    return total;
}

} // namespace boot
