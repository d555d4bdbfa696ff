// vm/guest_memory_reset.h — GuestMemory's way back to the snapshot, what it sheds, and its digest. Part of
// guest_memory.h.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

inline constexpr cpu::TraceSite reset_begins{cpu::Phase::begin, "reset"};
inline constexpr cpu::TraceSite reset_ends{cpu::Phase::end, "reset", "dirty_pages_so_far"};

// Hot pages first: a clean one costs a load and a test, a dirty one the copy.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset() {
    if (snapshot_ == nullptr) return FAIL(snapshot_state, "a reset needs a snapshot to go back to");
    const u64 began = cpu::trace(reset_begins);
    const u64 current = ++spent_.resets;
    u64 restored = 0;
    for (u32 slot = 0; slot < hot_.size(); ++slot) {
        HotPage<Pin> &page = hot_[slot];
        mm::Entry &entry = page.entry();
        if (!entry.dirty()) continue;
        cpu::copy_page(page.own.bytes(), page.shared.bytes());
        entry.raw &= ~mm::Entry::Dirty::mask;
        page.last_dirty = current;
        ++restored;
    }
    count_restored(restored);
    const u64 words = (regions_.size() + 63) / 64;
    for (u64 word = 0; word < words; ++word)
        for (u64 bits = active_[word]; bits != 0; bits &= bits - 1)
            TRY(reset_region(word * 64 + static_cast<u64>(__builtin_ctzl(bits))), "resetting a region", word);
    spent_.reset_time += cpu::trace(reset_ends, spent_.dirty_pages) - began;
    return rstate::done();
}

// A dirty bit that was cleared owes a flush: the processor must walk again, or it would not set it at the
// next write.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::count_restored(u64 pages) {
    epoch_ += pages != 0;
    spent_.dirty_pages += pages;
    spent_.reset_bytes += pages * page_size;
}

// The cold ones: a dirty page costs its pins and the copy, and moves to the hot list when there is room.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset_region(u64 number) {
    const Region &region = regions_[number];
    auto leaf = TRY(memory_->pin(region.leaf), "pinning a nested table to find dirty pages", number);
    for (u64 word = 0; word < Region::words; ++word) {
        for (u64 bits = region.own[word]; bits != 0; bits &= bits - 1) {
            const u64 index = word * 64 + static_cast<u64>(__builtin_ctzl(bits));
            mm::Entry &entry = entries(leaf)[index];
            if (!entry.dirty() || region.hot[index] != 0) continue;
            const SnapshotEntry from =
                TRY(shared(Place(number, index)), "finding what a dirty page was", number, index);
            TRY(restore(entry.frame(), from), "restoring a dirty page", number, index);
            entry.raw &= ~mm::Entry::Dirty::mask;
            count_restored(1);
            promote(number, index, entry.frame(), from);
        }
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<HotPage<typename Memory::Pin>>
GuestMemory<Memory, Frames>::pin_hot(u64 number, u64 index, Phys own, SnapshotEntry from) {
    auto leaf = TRY(memory_->pin(regions_[number].leaf), "pinning a hot page's nested table", number, index);
    auto page = TRY(memory_->pin(own), "pinning a hot page", number, index);
    auto shared = TRY(memory_->pin(from.present() ? from.frame() : zero_),
                      "pinning what a hot page is restored from", number, index);
    return HotPage<Pin>{std::move(leaf),          std::move(page),         std::move(shared),
                        static_cast<u32>(number), static_cast<u32>(index), spent_.resets};
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::promote(u64 number, u64 index, Phys own, SnapshotEntry from) {
    if (hot_.full()) {
        const u32 idle = hot_.idle(spent_.resets);
        if (idle == HotPages<Pin>::capacity) return; // more pages are busy than the list holds
        demote(idle);
    }
    auto pinned = pin_hot(number, index, own, from);
    if (!pinned.ok())
        return rstate::ignore(std::move(pinned), "a page that is not pinned is only slower to restore");
    regions_[number].hot[index] = static_cast<u8>(hot_.add(pinned.take()) + 1);
    left_cold(number);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
void GuestMemory<Memory, Frames>::demote(u32 slot) {
    const u32 number = hot_[slot].region;
    regions_[number].hot[hot_[slot].index] = 0;
    joined_cold(number);
    hot_.remove(slot);
    if (slot < hot_.size()) regions_[hot_[slot].region].hot[hot_[slot].index] = static_cast<u8>(slot + 1);
}

// Takes the frames of up to `wanted` pages that this case has not written, and hands each to take(Phys).
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Take>
u64 GuestMemory<Memory, Frames>::part_with(u64 wanted, Take &&take) {
    if (snapshot_ == nullptr) return 0; // before it, every page is the only copy
    u64 given = 0;
    for (u64 n = 0; n < regions_.size() && given < wanted; ++n) {
        const u64 number = shed_hand_;
        shed_hand_ = number + 1 == regions_.size() ? 0 : number + 1;
        Region &region = regions_[number];
        if (!region.has_own()) continue;
        auto pinned = memory_->pin(region.leaf);
        if (!pinned.ok()) {
            rstate::ignore(std::move(pinned), "shedding is best effort, and another region may do");
            continue;
        }
        auto leaf = pinned.take();
        for (u64 i = 0; i < pages_per_region && given < wanted; ++i) {
            mm::Entry &entry = entries(leaf)[i];
            if (!region.is_own(i) || entry.dirty()) continue;
            if (region.hot[i] != 0) demote(region.hot[i] - 1u); // nothing may be pinned that is freed
            left_cold(number);
            const Phys frame = entry.frame();
            entry = mm::Entry{};
            ++epoch_;
            region.own[i / 64] &= ~Region::bit(i);
            take(frame);
            ++given;
        }
    }
    own_count_ -= given;
    spent_.shed_pages += given;
    return given;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
u64 GuestMemory<Memory, Frames>::shed(u64 wanted) {
    mm::FrameBatch batch(*frames_, mm::Owner::guest_private);
    u64 given = 0;
    while (spare_count_ != 0 && given < wanted) batch.add(spare_[--spare_count_]), ++given;
    return given + part_with(wanted - given, [&](Phys frame) { batch.add(frame); });
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> bool GuestMemory<Memory, Frames>::refill() {
    part_with(spare_capacity, [&](Phys frame) { spare_[spare_count_++] = frame; });
    return spare_count_ != 0;
}

// Pages of zeros do not count, so that a page the guest only looked at changes nothing.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<u64> GuestMemory<Memory, Frames>::digest(const ProcessorState &processor) {
    Xxh64 hash;
    add_to(hash, processor);
    u64 zero_hash = 0;
    TRY(hash_page(zero_, zero_hash), "hashing the page that stands for zeros");
    for (u64 number = 0; number < regions_.size(); ++number) {
        const bool in_snapshot = snapshot_ != nullptr && snapshot_->table(number) != Phys();
        if (in_snapshot || regions_[number].has_own())
            TRY(digest_region(number, zero_hash, hash), "hashing a region of the guest's memory", number);
    }
    return hash.digest();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::digest_region(u64 number, u64 zero_hash, Xxh64 &hash) {
    for (u64 index = 0; index < pages_per_region; ++index) {
        const GuestPhys page(number * region_size + index * page_size);
        if (page.value() >= size_) break;
        const Phys frame = TRY(frame_of(page), "finding a page to hash", page);
        if (frame == zero_) continue;
        u64 page_hash = 0;
        TRY(hash_page(frame, page_hash), "hashing a page", page);
        if (page_hash == zero_hash) continue;
        hash.add_u64(page.value());
        hash.add_u64(page_hash);
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::hash_page(Phys frame, u64 &hash) {
    auto page = TRY(memory_->pin(frame), "pinning a page to hash it", frame);
    hash = xxh64({page.bytes(), page_size});
    return rstate::done();
}

} // namespace vm
