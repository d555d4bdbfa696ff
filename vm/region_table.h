// vm/region_table.h — the records of a guest's regions, each made at the first use of its region.
//
// A guest of gigabytes uses few of its regions, so the table is an array of pointers, and the records come in
// slabs of as many as one page holds. The first ones are made with the table: a case of a usual target takes
// nothing from the heap. A record stays until the table goes.
#pragma once

#include "mm/allocator.h"
#include "mm/physical.h"
#include "vm/snapshot.h"

namespace vm {

// The pages that one nested leaf table maps, and their state.
struct Region {
    static constexpr u64 words = pages_per_region / 64;
    u64 private_bits[words] = {};  // pages in frames of this machine alone
    u64 table_bits[words] = {};    // page tables of the guest: shared although writable
    Phys leaf;                     // the nested leaf table; 0 until the first page
    u32 cold = 0;                  // private pages that are not hot
    u8 hot[pages_per_region] = {}; // slot in HotPages, plus one; 0: not hot

    static constexpr u64 bit(u64 index) { return 1ul << (index % 64); }
    bool is_private(u64 index) const { return (private_bits[index / 64] & bit(index)) != 0; }
    bool is_table(u64 index) const { return (table_bits[index / 64] & bit(index)) != 0; }
    bool has_private() const {
        u64 any = 0;
        for (const u64 word : private_bits) any |= word;
        return any != 0;
    }
};

class RegionTable final {
  public:
    static rstate::Result<RegionTable> make(const mm::Allocator &heap, u64 regions) {
        RegionTable made;
        made.heap_ = heap;
        made.records_ = TRY(mm::allocate_array<Record>(heap, regions),
                            "allocating the directory of a machine's regions", regions);
        for (u64 ready = 0; ready < min(regions, made_ahead); ready += Slab::capacity) {
            auto slab = TRY(mm::allocate<Slab>(heap), "allocating the first records of regions", ready);
            push(made.spare_, std::move(slab));
        }
        return made;
    }
    RegionTable(RegionTable &&) = default;
    RegionTable &operator=(RegionTable &&) = delete;
    ~RegionTable() {
        while (newest_) static_cast<void>(pop(newest_)); // one after the other: no recursion
        while (spare_) static_cast<void>(pop(spare_));
    }

    u64 size() const { return records_.size(); }
    // nullptr until the region's first use.
    Region *find(u64 number) const { return records_[number].region; }
    // The region has been used.
    Region &operator[](u64 number) const {
        CHECK(find(number) != nullptr, "a region that has pages has a record", number);
        return *find(number);
    }
    rstate::Result<Region *> use(u64 number) {
        if (Region *known = find(number)) return known;
        if (!newest_ || newest_->used == Slab::capacity) {
            if (!spare_)
                push(spare_, TRY(mm::allocate<Slab>(heap_), "allocating records of regions", number));
            push(newest_, pop(spare_));
        }
        return records_[number].region = &newest_->regions[newest_->used++];
    }

  private:
    RegionTable() = default;

    struct Record {
        Region *region = nullptr; // in a slab, once the region is used
    };
    struct Slab {
        static constexpr u32 capacity = 6;
        mm::Owned<Slab> older;
        u32 used = 0;
        Region regions[capacity];
    };
    static_assert(sizeof(Slab) <= page_size, "a heap block is whole pages: a slab fills one");

    static constexpr u64 made_ahead = 60; // records (chosen: a small target uses some forty)

    static void push(mm::Owned<Slab> &list, mm::Owned<Slab> &&slab) {
        slab->older = std::move(list);
        list = std::move(slab);
    }
    static mm::Owned<Slab> pop(mm::Owned<Slab> &list) {
        mm::Owned<Slab> first = std::move(list);
        list = std::move(first->older);
        return first;
    }

    mm::Allocator heap_;
    mm::OwnedArray<Record> records_;
    mm::Owned<Slab> newest_, spare_; // lists: those with records in use, those without
};

} // namespace vm
