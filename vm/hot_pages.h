// vm/hot_pages.h — the private pages that most cases write, with everything pinned that a reset touches.
//
// A pin costs about forty instructions (measured), and a reset would need two for each dirty page and two for
// each region. So the busiest pages keep three pins: the nested table that maps the page, the page, and its
// source in the snapshot. Only speed depends on this list; a reset is exact without it.
#pragma once

#include <optional>

#include "mm/allocator.h"
#include "mm/formats.h"
#include "mm/physical.h"

namespace vm {

// Three pins each: together with the tables of other regions they leave a window of 512 slots more than half
// free.
constexpr u32 max_hot_pages = 64; // chosen
static_assert(3 * max_hot_pages < 512 / 2, "hot pages leave more than half of a core's window");

template <class Pin> struct HotPage {
    Pin leaf, page, source;
    u32 region = 0, index = 0;
    u64 last_dirty = 0; // the number of the reset that restored it last

    mm::Entry &entry() { return reinterpret_cast<mm::Entry *>(leaf.bytes())[index]; }
};

template <class Pin> class HotPages final {
  public:
    static constexpr u32 capacity = max_hot_pages;

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
    // The last page moves into the removed one's slot; the caller updates Region::hot of the moved page.
    void remove(u32 slot) {
        --count_;
        if (slot != count_) slots_[slot].emplace(std::move(*slots_[count_]));
        slots_[count_].reset();
    }
    // A page that the current reset did not find dirty, to make room; `capacity` when none is found.
    u32 idle(u64 current_reset) {
        if (crowded_in_ == current_reset) return capacity;
        for (u32 step = 0; step < max_steps; ++step) {
            hand_ = (hand_ + 1) % count_;
            if ((*this)[hand_].last_dirty != current_reset) return hand_;
        }
        crowded_in_ = current_reset; // no second search within this reset
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
