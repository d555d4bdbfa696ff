// kernel/introspect/sorted_ranges.h — the records of all live ranges, sorted by address.
#pragma once

#include "kernel/world.h"

namespace kernel {

class SortedRanges final {
  public:
    static rstate::Result<SortedRanges> collect() {
        constexpr u64 spare = 16; // the list that is allocated here is a range itself
        SortedRanges ranges;
        ranges.records_ =
            TRY(mm::allocate_array<mm::Record>(world->allocator, world->space.live_ranges() + spare),
                "allocating the list of ranges");
        TRY(world->space.visit_ranges([&](u32, const mm::Record &record) { ranges.insert(record); }),
            "reading the ranges' records");
        return ranges;
    }
    Span<const mm::Record> all() const { return {records_.data(), count_}; }
    // The record of the range that contains `address`, or nullptr.
    const mm::Record *of(u64 address) const {
        usize low = 0, high = count_;
        while (low < high) {
            const usize middle = (low + high) / 2;
            if (records_[middle].first.value() <= address)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == 0) return nullptr;
        const mm::Record &record = records_[low - 1];
        return address - record.first.value() < record.pages * page_size ? &record : nullptr;
    }

  private:
    SortedRanges() = default;
    void insert(const mm::Record &record) {
        if (count_ == records_.size()) return;
        usize at = count_++;
        for (; at > 0 && records_[at - 1].first > record.first; --at) records_[at] = records_[at - 1];
        records_[at] = record;
    }

    mm::OwnedArray<mm::Record> records_;
    usize count_ = 0;
};

} // namespace kernel
