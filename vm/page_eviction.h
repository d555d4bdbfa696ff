// vm/page_eviction.h — GuestMemory: frames for new pages, and eviction of clean private pages when frames run
// short. Part of guest_memory.h.
//
// Only pages that this case has not written can go: the snapshot still has their bytes (rule 8), and the next
// access faults and brings them back.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::allocate_frame(mm::Owner owner) {
    statistics_.allocations += snapshot_ != nullptr;
    auto first = frames_->allocate(owner);
    if (first.ok()) return first.take();
    if (snapshot_ == nullptr || !first.error().is(mm::out_of_frames))
        return TRY(std::move(first), "taking a frame", private_pages());
    rstate::handled(std::move(first));
    if (evict(reserve_capacity) == 0)
        return FAIL(out_of_memory, "no frame is free, and this machine has no page to evict", private_count_);
    return TRY(frames_->allocate(owner), "taking a frame after evicting pages");
}

// A frame for a private page. Below the machine's limit and while frames are free it is a new one, otherwise
// the frame of a page that this case has not written.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::allocate_page() {
    if (snapshot_ == nullptr) return TRY(allocate_frame(owner()), "taking a frame before the snapshot");
    const bool allowed = private_count_ + reserve_count_ < page_limit_;
    if (reserve_count_ == 0 && allowed) {
        ++statistics_.allocations;
        auto fresh = frames_->allocate(mm::Owner::guest_private);
        if (fresh.ok() || !fresh.error().is(mm::out_of_frames))
            return TRY(std::move(fresh), "taking a frame for a private page");
        rstate::handled(std::move(fresh));
    }
    if (reserve_count_ == 0 && !fill_reserve()) {
        if (allowed)
            return FAIL(out_of_memory, "no frame is free, and no page can be evicted", private_count_);
        return FAIL(out_of_memory, "this case has written all the pages that its machine may have",
                    private_count_, page_limit_);
    }
    return reserve_[--reserve_count_];
}

// Evicts up to `wanted` private pages that this case has not written, and hands each frame to take(Phys).
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Take>
u64 GuestMemory<Memory, Frames>::evict_pages(u64 wanted, Take &&take) {
    if (snapshot_ == nullptr) return 0; // before the snapshot every page is the only copy
    u64 evicted = 0;
    for (u64 n = 0; n < regions_.size() && evicted < wanted; ++n) {
        const u64 number = evict_hand_;
        evict_hand_ = number + 1 == regions_.size() ? 0 : number + 1;
        if (regions_.find(number) == nullptr || !regions_[number].has_private()) continue;
        Region &region = regions_[number];
        auto pinned = memory_->pin(region.leaf);
        if (!pinned.ok()) {
            rstate::ignore(std::move(pinned), "eviction is best effort, and another region may do");
            continue;
        }
        auto leaf = pinned.take();
        for (u64 i = 0; i < pages_per_region && evicted < wanted; ++i) {
            mm::Entry &entry = entries(leaf)[i];
            if (!region.is_private(i) || entry.dirty()) continue;
            if (region.hot[i] != 0) demote(region.hot[i] - 1u); // a freed frame must not stay pinned
            remove_cold(number);
            const Phys frame = entry.frame();
            entry = mm::Entry{};
            ++epoch_; // the frame gets another owner: no translation to it may be left
            region.private_bits[i / 64] &= ~Region::bit(i);
            take(frame);
            ++evicted;
        }
    }
    private_count_ -= evicted;
    statistics_.evicted_pages += evicted;
    return evicted;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
u64 GuestMemory<Memory, Frames>::evict(u64 wanted) {
    mm::FrameBatch batch(*frames_, mm::Owner::guest_private);
    u64 freed = 0;
    while (reserve_count_ != 0 && freed < wanted) batch.add(reserve_[--reserve_count_]), ++freed;
    return freed + evict_pages(wanted - freed, [&](Phys frame) { batch.add(frame); });
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
bool GuestMemory<Memory, Frames>::fill_reserve() {
    evict_pages(reserve_capacity, [&](Phys frame) { reserve_[reserve_count_++] = frame; });
    return reserve_count_ != 0;
}

} // namespace vm
