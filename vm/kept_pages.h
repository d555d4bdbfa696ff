// vm/kept_pages.h — GuestMemory: hot pages whose dirty bit stays set, so that a steady case needs no flush.
// Part of guest_memory.h.
//
// Clearing a dirty bit requests a flush (clear_dirty), and a flush costs a processor about as much as
// restoring a hundred pages (estimated): all translations of the guest are walked again, and each dirty bit
// is set again. So a page that cases write often is restored by each reset without looking at its bit, which
// stays set.
//
//   clean, dirty bit read   --dirty keep_after times, each soon after the last-->   kept dirty
//   kept dirty              --unchanged in max_unchanged looks in a row--------->   clean, dirty bit read
//
// Which pages are kept depends on earlier cases, so nothing that a case shows may depend on it: digests
// compare bytes, and so does eviction.
//
// A page table of the guest is never kept. Walks set its dirty bit although its bytes stay (APM vol 2
// §15.25.5 "Nested Table Walk"), so a reset compares it and leaves the bit as it is: nothing is restored and
// nothing flushed while the host does not change it. One that was changed is restored and flushed, since the
// processor may have cached translations from it.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

constexpr u32 keep_after = 3;    // chosen: pages of one odd case are not kept
constexpr u64 soon = 128;        // resets (chosen): what one case in a hundred writes is worth keeping
constexpr u64 look_every = 64;   // resets between two looks, each at one kept page (chosen)
constexpr u32 max_unchanged = 4; // chosen: a page that half of the cases write passes seldom for an idle one
static_assert(keep_after < 0x100 && max_unchanged < 0x100, "both are counted in a byte");

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::keep_or_clear(HotPage<Pin> &hot, u64 current) {
    hot.heat = current - hot.last_dirty <= soon ? static_cast<u8>(hot.heat + 1) : u8{1};
    hot.last_dirty = current;
    hot.unchanged = 0;
    hot.kept_dirty = hot.heat >= keep_after;
    if (!hot.kept_dirty) clear_dirty(hot.entry());
}

// Restores a page that is not kept and whose dirty bit is set; false when it needed nothing.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
bool GuestMemory<Memory, Frames>::restore_hot(HotPage<Pin> &hot, u64 current) {
    if (!hot.table) {
        keep_or_clear(hot, current);
    } else {
        if (same_page(hot.page.bytes(), hot.source.bytes())) return false;
        hot.last_dirty = current;
        ++epoch_; // translations from the changed table
    }
    cpu::copy_page(hot.page.bytes(), hot.source.bytes());
    return true;
}

// Looks whether this case has changed a kept page, one page in each call. After a round of all, those that
// cooled down in it share one flush.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
[[gnu::noinline]] void GuestMemory<Memory, Frames>::look_at_kept_page() {
    while (look_hand_ < hot_.size()) {
        HotPage<Pin> &hot = hot_[look_hand_++];
        if (!hot.kept_dirty) continue;
        const bool same = same_page(hot.page.bytes(), hot.source.bytes());
        hot.unchanged = same ? static_cast<u8>(min(hot.unchanged + 1u, max_unchanged)) : u8{0};
        return;
    }
    look_hand_ = 0;
    cool_down();
}

// The reset that follows restores such a page once more and clears its bit.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::cool_down() {
    for (u32 slot = 0; slot < hot_.size(); ++slot)
        if (hot_[slot].unchanged >= max_unchanged) hot_[slot].kept_dirty = false, hot_[slot].heat = 0;
}

} // namespace vm
