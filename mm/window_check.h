// mm/window_check.h — verifies a window's invariants, slot by slot: for tests, after each operation.
#pragma once

#include "mm/absent_entry.h"
#include "mm/window.h"

namespace mm {

class WindowChecker final {
  public:
    explicit WindowChecker(const Window &window) : window_(window) {
        for (u64 &frame : seen_) frame = no_frame;
    }

    void check() {
        u32 displaced = 0;
        for (u32 slot = 0; slot < Window::slot_count; ++slot) {
            check_entry(slot);
            check_unique(slot);
            displaced += window_.displaced(&window_.slots_[slot]);
        }
        CHECK(displaced == window_.displaced_, "displaced frames are counted", displaced, window_.displaced_);
    }

  private:
    Phys frame_in(u32 slot) const { return Phys(window_.slots_[slot] & ~(page_size - 1)); }

    void check_entry(u32 slot) const {
        const u64 word = window_.slots_[slot], entry = window_.table_[slot].load();
        if (word == 0) {
            CHECK(entry == absent_entry(AbsentKind::window).raw, "an empty slot maps nothing", slot, entry);
            return;
        }
        CHECK((word & Window::valid) != 0, "a slot that is not empty is valid", slot, word);
        CHECK(entry == HostFormat::leaf(frame_in(slot), read_write, Cache::write_back).raw,
              "a slot maps the frame that it names", slot, entry, word);
    }

    // Through a hash table with linear probing, twice as large as the window.
    void check_unique(u32 slot) {
        if (window_.slots_[slot] == 0) return;
        const u64 frame = frame_in(slot).value();
        u64 at = frame_in(slot).frame_number() % seen_size;
        for (; seen_[at] != no_frame; at = (at + 1) % seen_size)
            CHECK(seen_[at] != frame, "a frame is in one slot", slot, frame);
        seen_[at] = frame;
    }

    static constexpr u64 no_frame = ~0ul, seen_size = 2 * Window::slot_count;
    const Window &window_;
    u64 seen_[seen_size];
};

// Panics with what is wrong.
inline void check_window(const Window &window) { WindowChecker(window).check(); }

} // namespace mm
