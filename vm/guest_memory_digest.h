// vm/guest_memory_digest.h — GuestMemory: one hash of all memory, to verify that a reset is exact, and one of
// what a case has changed. Part of guest_memory.h.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

// Pages that hold what they would hold untouched do not count, so a page that the guest only read does not
// change the digest. An unused region costs two loads.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<u64> GuestMemory<Memory, Frames>::digest(const ProcessorState &processor) {
    Xxh64 hash;
    add_to(hash, processor);
    u64 untouched_hashes[2] = {};
    TRY(hash_page(zero_, untouched_hashes[0]), "hashing the zero frame");
    if (fill_ != Phys()) TRY(hash_page(fill_, untouched_hashes[1]), "hashing the fill frame");
    for (u64 number = 0; number < regions_.size(); ++number) {
        const bool in_snapshot = snapshot_ != nullptr && snapshot_->table(number) != Phys();
        const Region *region = regions_.find(number);
        if (in_snapshot || (region != nullptr && region->has_private()))
            TRY(digest_region(number, untouched_hashes, hash), "hashing a region of the guest's memory",
                number);
    }
    return hash.digest();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::digest_region(u64 number, const u64 (&untouched_hashes)[2],
                                                                Xxh64 &hash) {
    for (u64 index = 0; index < pages_per_region; ++index) {
        const GuestPhys page(number * region_size + index * page_size);
        if (page.value() >= size_) break;
        const Phys frame = TRY(frame_of(page), "finding a page to hash", page);
        const Phys otherwise = untouched(Place(page));
        if (frame == otherwise) continue;
        u64 page_hash = 0;
        TRY(hash_page(frame, page_hash), "hashing a page", page);
        if (page_hash == untouched_hashes[otherwise == zero_ ? 0 : 1]) continue;
        hash.add_u64(page.value());
        hash.add_u64(page_hash);
    }
    return rstate::done();
}

// Only a dirty page can differ from the snapshot (rule 8), so this reads a few pages where digest() reads
// all. A dirty page with the snapshot's bytes does not count: which pages were copied ahead or evicted does
// not change the hash.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<u64> GuestMemory<Memory, Frames>::digest_of_changes(const ProcessorState &processor) {
    Xxh64 hash;
    add_to(hash, processor);
    for (u64 number = 0; number < regions_.size(); ++number) {
        const Region *region = regions_.find(number);
        if (region == nullptr || !region->has_private()) continue;
        auto leaf = TRY(memory_->pin(region->leaf), "pinning a nested table to find changes", number);
        for (u64 index = 0; index < pages_per_region; ++index) {
            const mm::Entry entry = entries(leaf)[index];
            if (region->is_private(index) && entry.dirty())
                TRY(add_change(Place(number, index), entry.frame(), hash), "hashing a change", number, index);
        }
    }
    return hash.digest();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::add_change(Place at, Phys frame, Xxh64 &hash) {
    const SnapshotEntry from = TRY(snapshot_entry(at), "finding what a dirty page was");
    if (TRY(equals(frame, source(at, from)), "comparing a dirty page with the snapshot"))
        return rstate::done();
    u64 page_hash = 0;
    TRY(hash_page(frame, page_hash), "hashing a dirty page", frame);
    hash.add_u64(at.region * pages_per_region + at.index);
    hash.add_u64(page_hash);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<bool> GuestMemory<Memory, Frames>::equals(Phys frame, Phys source) {
    auto page = TRY(memory_->pin(frame), "pinning a private page to compare it", frame);
    auto other = TRY(memory_->pin(source), "pinning what it is compared with", source);
    return __builtin_memcmp(page.bytes(), other.bytes(), page_size) == 0;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::hash_page(Phys frame, u64 &hash) {
    auto page = TRY(memory_->pin(frame), "pinning a page to hash it", frame);
    hash = xxh64({page.bytes(), page_size});
    return rstate::done();
}

} // namespace vm
