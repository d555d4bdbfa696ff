// vm/dirty_page_restore.h — GuestMemory: reset, which restores every dirty page from the snapshot. Part of
// guest_memory.h.
//
// The processor sets the dirty bit of a nested entry at the first write through it (APM vol 2 §15.25.5
// "Nested Table Walk"). A reset reads the dirty bits of private pages only, copies the snapshot's bytes back,
// and clears the bit.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

inline constexpr cpu::TraceSite reset_begins{cpu::Phase::begin, "reset"};
inline constexpr cpu::TraceSite reset_ends{cpu::Phase::end, "reset", "dirty_pages_so_far"};

// Hot pages first: a clean one costs a load and a test, a dirty one the copy. Then the regions with cold
// pages.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset() {
    if (snapshot_ == nullptr) return FAIL(snapshot_state, "a reset needs a snapshot to restore");
    const u64 began = cpu::trace(reset_begins);
    const u64 current = ++statistics_.resets;
    u64 restored = 0;
    for (u32 slot = 0; slot < hot_.size(); ++slot) {
        HotPage<Pin> &hot = hot_[slot];
        mm::Entry &entry = hot.entry();
        if (!entry.dirty()) continue;
        cpu::copy_page(hot.page.bytes(), hot.source.bytes());
        entry.raw &= ~mm::Entry::Dirty::mask;
        hot.last_dirty = current;
        ++restored;
    }
    count_restored(restored);
    TRY(for_active([this](u64 number) { return reset_region(number); }), "resetting cold pages");
    statistics_.reset_time += cpu::trace(reset_ends, statistics_.dirty_pages) - began;
    return rstate::done();
}

// Clearing a dirty bit needs a flush: a processor with a cached translation writes without setting the bit
// again, and the next reset would miss that write. Emulators that cache nothing never show this.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::count_restored(u64 pages) {
    epoch_ += pages != 0;
    statistics_.dirty_pages += pages;
    statistics_.reset_bytes += pages * page_size;
}

// Cold pages: a dirty one costs its pins and the copy, and becomes hot when there is room.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset_region(u64 number) {
    const Region &region = regions_[number];
    auto leaf = TRY(memory_->pin(region.leaf), "pinning a nested table to find dirty pages", number);
    for (u64 word = 0; word < Region::words; ++word) {
        for (u64 bits = region.private_bits[word]; bits != 0; bits &= bits - 1) {
            const u64 index = word * 64 + static_cast<u64>(__builtin_ctzl(bits));
            mm::Entry &entry = entries(leaf)[index];
            if (!entry.dirty() || region.hot[index] != 0) continue;
            const Place at(number, index);
            const SnapshotEntry from =
                TRY(snapshot_entry(at), "finding what a dirty page was", number, index);
            TRY(restore(entry.frame(), at, from), "restoring a dirty page", number, index);
            entry.raw &= ~mm::Entry::Dirty::mask;
            count_restored(1);
            promote(number, index, entry.frame(), from);
        }
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::restore(Phys frame, Place at, SnapshotEntry from) {
    auto to = TRY(memory_->pin(frame), "pinning a private page", frame);
    if (!from.present()) {
        cpu::fill_page(to.bytes(), is_filled(at) ? repeated(fill_byte_) : 0);
        return rstate::done();
    }
    auto source = TRY(memory_->pin(from.frame()), "pinning a page of the snapshot", from.frame());
    cpu::copy_page(to.bytes(), source.bytes());
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<HotPage<typename Memory::Pin>>
GuestMemory<Memory, Frames>::pin_hot(u64 number, u64 index, Phys frame, SnapshotEntry from) {
    auto leaf = TRY(memory_->pin(regions_[number].leaf), "pinning a hot page's nested table", number, index);
    auto page = TRY(memory_->pin(frame), "pinning a hot page", number, index);
    auto restored = TRY(memory_->pin(source(Place(number, index), from)),
                        "pinning what a hot page is restored from", number, index);
    return HotPage<Pin>{std::move(leaf),          std::move(page),         std::move(restored),
                        static_cast<u32>(number), static_cast<u32>(index), statistics_.resets};
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::promote(u64 number, u64 index, Phys frame, SnapshotEntry from) {
    if (hot_.full()) {
        const u32 idle = hot_.idle(statistics_.resets);
        if (idle == HotPages<Pin>::capacity) return; // more pages are busy than the list holds
        demote(idle);
    }
    auto pinned = pin_hot(number, index, frame, from);
    if (!pinned.ok())
        return rstate::ignore(std::move(pinned), "a page that is not pinned is only slower to restore");
    regions_[number].hot[index] = static_cast<u8>(hot_.add(pinned.take()) + 1);
    remove_cold(number);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::demote(u32 slot) {
    const u32 number = hot_[slot].region;
    regions_[number].hot[hot_[slot].index] = 0;
    add_cold(number);
    hot_.remove(slot);
    if (slot < hot_.size()) regions_[hot_[slot].region].hot[hot_[slot].index] = static_cast<u8>(slot + 1);
}

} // namespace vm
