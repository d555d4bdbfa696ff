// vm/guest_memory_reset.h — GuestMemory's way back to the snapshot, what it sheds, and its digest. Part of
// guest_memory.h.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset() {
    if (snapshot_ == nullptr) return FAIL(snapshot_state, "a reset needs a snapshot to go back to");
    ++spent_.resets;
    const u64 words = (regions_.size() + 63) / 64;
    for (u64 word = 0; word < words; ++word)
        for (u64 bits = active_[word]; bits != 0; bits &= bits - 1)
            TRY(reset_region(word * 64 + static_cast<u64>(__builtin_ctzl(bits))), "resetting a region", word);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset_region(u64 number) {
    auto leaf =
        TRY(memory_->pin(regions_[number].leaf), "pinning a nested table to find dirty pages", number);
    const Phys table = snapshot_->table(number);
    if (table == Phys()) return reset_pages(number, entries(leaf), nullptr);
    auto shared_table = TRY(memory_->pin(table), "pinning the snapshot's table of a region", number);
    return reset_pages(number, entries(leaf), reinterpret_cast<const SnapshotEntry *>(shared_table.bytes()));
}

// The hot loop: a clean page costs one load and one test, a dirty one two pins and the copy.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::reset_pages(u64 number, mm::Entry *nested,
                                                              const SnapshotEntry *shared_entries) {
    const Region &region = regions_[number];
    for (u64 word = 0; word < Region::words; ++word) {
        for (u64 bits = region.own[word]; bits != 0; bits &= bits - 1) {
            const u64 index = word * 64 + static_cast<u64>(__builtin_ctzl(bits));
            if (!nested[index].dirty()) continue;
            const SnapshotEntry from = shared_entries != nullptr ? shared_entries[index] : SnapshotEntry{};
            TRY(restore(nested[index].frame(), from), "restoring a dirty page", number, index);
            nested[index].raw &= ~mm::Entry::Dirty::mask;
            ++epoch_; // the processor must walk again, or it would not set the bit at the next write
            ++spent_.dirty_pages;
            spent_.reset_bytes += page_size;
        }
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
u64 GuestMemory<Memory, Frames>::shed(u64 wanted) {
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
            const Phys frame = entry.frame();
            entry = mm::Entry{};
            ++epoch_;
            region.own[i / 64] &= ~Region::bit(i);
            frames_->free(frame, mm::Owner::guest_private);
            ++given;
        }
        if (!region.has_own()) active_[number / 64] &= ~Region::bit(number);
    }
    spent_.shed_pages += given;
    return given;
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
