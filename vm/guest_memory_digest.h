// vm/guest_memory_digest.h — GuestMemory: one hash of all memory, to verify that a reset is exact. Part of
// guest_memory.h.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

// Pages that hold what they would hold untouched do not count, so a page that the guest only read does not
// change the digest. A region that nobody has used costs two loads.
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

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::hash_page(Phys frame, u64 &hash) {
    auto page = TRY(memory_->pin(frame), "pinning a page to hash it", frame);
    hash = xxh64({page.bytes(), page_size});
    return rstate::done();
}

} // namespace vm
