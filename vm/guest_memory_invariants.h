// vm/guest_memory_invariants.h — GuestMemory::check_invariants: the rules that guest_memory.h states,
// verified.
//
// Only tests include this and call it, after each operation. A case never pays for it.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::check_invariants() {
    u64 private_pages = 0, hot_pages = 0;
    for (u64 number = 0; number < regions_.size(); ++number) {
        if (regions_.find(number) == nullptr) continue;
        const Region &region = regions_[number];
        const u32 hot = TRY(check_region(number), "checking a region", number);
        u32 in_region = 0;
        for (const u64 word : region.private_bits) in_region += static_cast<u32>(__builtin_popcountl(word));
        if (region.cold + hot != in_region)
            return FAIL(broken_invariant, "rule 5: cold = private - hot", number, region.cold, in_region,
                        hot);
        const bool active = (active_[number / 64] & Region::bit(number)) != 0;
        if (active != (region.cold > 0))
            return FAIL(broken_invariant, "rule 6: active if and only if cold > 0", number, region.cold);
        private_pages += in_region, hot_pages += hot;
    }
    TRY(check_active_words(), "checking the summary of active regions");
    if (hot_pages != hot_.size())
        return FAIL(broken_invariant, "rule 4: each slot has one page", hot_pages, hot_.size());
    if (private_pages != private_count_)
        return FAIL(broken_invariant, "rule 7: the count of private pages", private_pages, private_count_);
    if (snapshot_ != nullptr && private_count_ + reserve_count_ > page_limit_)
        return FAIL(broken_invariant, "rule 9: the limit of private pages", private_count_, reserve_count_,
                    page_limit_);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::check_active_words() {
    for (u64 word = 0; word < max_regions / 64; ++word)
        if ((active_[word] != 0) != ((active_words_ >> word & 1) != 0))
            return FAIL(broken_invariant, "rule 6: a word's bit", word, active_[word], active_words_);
    return rstate::done();
}

// Rules 1 to 4 and 8 for the pages of one region; returns how many of them are hot.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<u32> GuestMemory<Memory, Frames>::check_region(u64 number) {
    const Region &region = regions_[number];
    u32 hot = 0;
    for (u64 i = 0; i < pages_per_region; ++i) {
        if (region.leaf == Phys() && (region.is_private(i) || region.hot[i] != 0))
            return FAIL(broken_invariant, "rule 1: a private page has a leaf table", number, i);
        if (region.hot[i] == 0) continue;
        ++hot;
        if (!region.is_private(i)) return FAIL(broken_invariant, "rule 4: hot implies private", number, i);
        const u32 slot = region.hot[i] - 1u;
        if (slot >= hot_.size() || hot_[slot].region != number || hot_[slot].index != i)
            return FAIL(broken_invariant, "rule 4: the slot points back", number, i, slot);
    }
    if (region.leaf == Phys()) return hot;
    auto leaf = TRY(memory_->pin(region.leaf), "pinning a nested table to check it", number);
    const Phys listed = snapshot_ != nullptr ? snapshot_->table(number) : Phys();
    auto table = TRY(memory_->pin(listed != Phys() ? listed : zero_), "pinning a snapshot's table", number);
    for (u64 i = 0; i < pages_per_region; ++i) {
        const mm::Entry entry = entries(leaf)[i];
        const SnapshotEntry from{reinterpret_cast<const u64 *>(table.bytes())[i]};
        if (region.hot[i] != 0 && hot_[region.hot[i] - 1u].entry().raw != entry.raw)
            return FAIL(broken_invariant, "rule 4: the slot pins another leaf table", number, i, entry.raw);
        if (region.is_private(i)) {
            TRY(check_private(Place(number, i), entry, from), "checking a private page", number, i);
        } else if (entry.present()) {
            TRY(check_shared(Place(number, i), entry, from), "checking a shared page", number, i);
        }
    }
    return hot;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::check_private(Place at, mm::Entry entry,
                                                                SnapshotEntry from) {
    if (!entry.present() || entry.frame() == zero_ || entry.frame() == fill_)
        return FAIL(broken_invariant, "rule 2: a private page is present", entry.raw);
    if (snapshot_ == nullptr) return rstate::done();
    if (!entry.writable()) return FAIL(broken_invariant, "rule 2: a private page is writable", entry.raw);
    if (!entry.dirty() && !TRY(equals(entry.frame(), source(at, from)), "comparing a page", entry.raw))
        return FAIL(broken_invariant, "rule 8: a clean page has the snapshot's bytes", entry.raw);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::check_shared(Place at, mm::Entry entry,
                                                               SnapshotEntry from) {
    if (entry.frame() != source(at, from))
        return FAIL(broken_invariant, "rule 3: a shared page maps the snapshot's frame", entry.raw, from.raw);
    if (entry.writable() && !from.table())
        return FAIL(broken_invariant, "rule 3: a shared page is read-only", entry.raw);
    return rstate::done();
}

} // namespace vm
