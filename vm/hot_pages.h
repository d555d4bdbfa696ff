// vm/hot_pages.h — the own pages that cases write again and again, with everything pinned that a reset
// touches.
//
// A pin costs some forty instructions, and a reset would take two for each dirty page and two for each
// region. So the busiest pages keep theirs: the nested table that maps the page, the page, and what it is
// restored from. All else stays exact without this list; it is only faster.
#pragma once

#include <optional>

#include "mm/allocator.h"
#include "mm/formats.h"
#include "mm/physical.h"

namespace vm {

template <class Pin> struct HotPage {
    Pin leaf, own, shared;
    u32 region = 0, index = 0;
    u64 last_dirty = 0; // the number of the reset that restored it last

    mm::Entry &entry() { return reinterpret_cast<mm::Entry *>(leaf.bytes())[index]; }
};

template <class Pin> class HotPages final {
  public:
    // Three pins each: with other regions' tables this leaves a window of 512 slots more than half free.
    static constexpr u32 capacity = 64; // chosen; must fit Region::hot, where 0 is none

    static rstate::Result<HotPages> make(const mm::Allocator &heap) {
        HotPages made;
        made.slots_ = TRY(mm::allocate_array<std::optional<HotPage<Pin>>>(heap, capacity),
                          "allocating the list of hot pages");
        return made;
    }

    HotPages() = default;
    HotPages(HotPages &&other) : slots_(std::move(other.slots_)), count_(other.count_), hand_(other.hand_) {
        other.count_ = 0;
    }
    HotPages &operator=(HotPages &&other) {
        slots_ = std::move(other.slots_);
        count_ = other.count_, hand_ = other.hand_;
        other.count_ = 0;
        return *this;
    }

    u32 size() const { return count_; }
    bool full() const { return count_ == capacity; }
    HotPage<Pin> &operator[](u32 slot) { return **(slots_.data() + slot); }

    u32 add(HotPage<Pin> &&page) {
        slots_[count_].emplace(std::move(page));
        return count_++;
    }
    // The last page takes the place of the one that leaves; the caller tells the books where it is now.
    void remove(u32 slot) {
        --count_;
        if (slot != count_) slots_[slot].emplace(std::move(*slots_[count_]));
        slots_[count_].reset();
    }
    // A page that the current reset did not find dirty, to make room; capacity when every page is in use.
    u32 idle(u64 current_reset) {
        if (crowded_in_ == current_reset) return capacity;
        for (u32 step = 0; step < max_steps; ++step) {
            hand_ = (hand_ + 1) % count_;
            if ((*this)[hand_].last_dirty != current_reset) return hand_;
        }
        crowded_in_ = current_reset; // do not look again for every other page
        return capacity;
    }

  private:
    static constexpr u32 max_steps = 8; // chosen
    mm::OwnedArray<std::optional<HotPage<Pin>>> slots_;
    u32 count_ = 0;
    u32 hand_ = 0;
    u64 crowded_in_ = 0; // the last reset in which no idle page was found
};

} // namespace vm
