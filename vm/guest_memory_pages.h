// vm/guest_memory_pages.h — GuestMemory's pages: found, shared, copied, read, written. Part of
// guest_memory.h.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

inline constexpr cpu::TraceSite page_faults{cpu::Phase::moment, "nested-page-fault", "address", "access"};

// The processor may fault once on a translation from before an entry was widened. More often than this in a
// row, without a page that was really missing between, is a loop.
constexpr u64 max_needless_faults = 16; // chosen

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
GuestMemory<Memory, Frames>::GuestMemory(GuestMemory &&other)
    : memory_(other.memory_), frames_(other.frames_), heap_(other.heap_), regions_(std::move(other.regions_)),
      table_(other.table_), has_table_(other.has_table_), zero_(other.zero_), size_(other.size_),
      snapshot_(other.snapshot_), hot_(std::move(other.hot_)), epoch_(other.epoch_),
      fault_around_(other.fault_around_), own_count_(other.own_count_), page_limit_(other.page_limit_),
      shed_hand_(other.shed_hand_), spare_count_(other.spare_count_),
      needless_faults_(other.needless_faults_), spent_(other.spent_) {
    for (u64 i = 0; i < max_regions / 64; ++i) active_[i] = other.active_[i], other.active_[i] = 0;
    for (u32 i = 0; i < spare_count_; ++i) spare_[i] = other.spare_[i];
    other.spare_count_ = 0;
    other.has_table_ = false;
    other.zero_ = Phys();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> GuestMemory<Memory, Frames>::~GuestMemory() {
    while (hot_.size() != 0) demote(hot_.size() - 1); // pins first, then what they pin
    mm::FrameBatch batch(*frames_, owner());
    while (spare_count_ != 0) batch.add(spare_[--spare_count_]);
    auto freed = for_active([&](u64 number) -> rstate::Result<void> {
        Region &region = regions_[number];
        auto leaf =
            TRY(memory_->pin(region.leaf), "pinning a nested table to free a machine's pages", number);
        for (u64 i = 0; i < pages_per_region; ++i)
            if (region.is_own(i)) batch.add(entries(leaf)[i].frame());
        return rstate::done();
    });
    // Only failing pins can stop it, and then frames are lost rather than freed twice.
    if (!freed.ok()) rstate::report(freed.take_error(), "a machine's pages are lost");
    if (has_table_) {
        auto destroyed = table_.destroy(*frames_);
        if (!destroyed.ok()) rstate::report(destroyed.take_error(), "a machine's nested tables are lost");
    }
    if (zero_ != Phys()) frames_->free(zero_, mm::Owner::guest_private);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Visit>
rstate::Result<void> GuestMemory<Memory, Frames>::for_active(Visit &&visit) {
    const u64 words = (regions_.size() + 63) / 64;
    for (u64 word = 0; word < words; ++word)
        for (u64 bits = active_[word]; bits != 0; bits &= bits - 1)
            TRY(visit(word * 64 + static_cast<u64>(__builtin_ctzl(bits))),
                "going through a machine's own pages");
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::allocate_frame(mm::Owner owner) {
    spent_.allocations += snapshot_ != nullptr;
    auto first = frames_->allocate(owner);
    if (first.ok()) return first.take();
    if (shed(spare_capacity) == 0)
        return TRY(std::move(first), "taking a frame: this machine has no page to give back", own_pages());
    rstate::handled(std::move(first));
    return TRY(frames_->allocate(owner), "taking a frame after giving pages back");
}

// For a page of the machine's own. Within its limit and while there are frames it gets a new one, otherwise
// that of a page which this case has not written.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::allocate_page() {
    if (snapshot_ == nullptr) return TRY(allocate_frame(owner()), "taking a frame before the snapshot");
    const bool allowed = own_count_ + spare_count_ < page_limit_;
    if (spare_count_ == 0 && allowed) {
        ++spent_.allocations;
        auto fresh = frames_->allocate(mm::Owner::guest_private);
        if (fresh.ok() || !fresh.error().is(mm::out_of_frames))
            return TRY(std::move(fresh), "taking a frame for a page of a machine's own");
        rstate::handled(std::move(fresh));
    }
    if (spare_count_ == 0 && !refill()) {
        if (allowed) return FAIL(out_of_memory, "no frame is left, and no page to take one from", own_count_);
        return FAIL(out_of_memory, "this case has written all the pages that its machine may have",
                    own_count_, page_limit_);
    }
    return spare_[--spare_count_];
}

// The nested table for `address`, made if need be; afterwards one look in the books.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::leaf_of(GuestPhys address) {
    Region &region = regions_[Place(address).region];
    if (region.leaf == Phys()) {
        SheddingFrames frames{*this};
        region.leaf =
            TRY(table_.prepare(address, frames), "making the nested table of a region", address).table;
    }
    return region.leaf;
}

// What the snapshot has for a page; nothing means zeros.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<SnapshotEntry> GuestMemory<Memory, Frames>::shared(Place place) {
    if (snapshot_ == nullptr) return SnapshotEntry{};
    const Phys table = snapshot_->table(place.region);
    if (table == Phys()) return SnapshotEntry{};
    auto pin = TRY(memory_->pin(table), "pinning a snapshot's table", place.region);
    return SnapshotEntry{reinterpret_cast<const u64 *>(pin.bytes())[place.index]};
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::copy_of(SnapshotEntry from) {
    mm::OwnedFrame copy(*frames_, TRY(allocate_page(), "taking a frame for a page of its own"), owner());
    TRY(restore(copy.get(), from), "copying a page at its first write", from.frame());
    return copy.release();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::restore(Phys own, SnapshotEntry from) {
    auto to = TRY(memory_->pin(own), "pinning a page of a machine's own", own);
    if (!from.present()) {
        cpu::fill_page(to.bytes(), 0);
        return rstate::done();
    }
    auto source = TRY(memory_->pin(from.frame()), "pinning a page of the snapshot", from.frame());
    cpu::copy_page(to.bytes(), source.bytes());
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::share(GuestPhys address, Pin &leaf, SnapshotEntry from) {
    const mm::Permissions allowed = from.table() ? mm::read_write_execute : mm::read_execute;
    mm::Entry &entry = entries(leaf)[Place(address).index];
    CHECK(!entry.present(), "a page is shared where none was, so no translation of it is left", address);
    entry = mm::NestedFormat::leaf(from.present() ? from.frame() : zero_, allowed, mm::Cache::write_back);
    return rstate::done();
}

// The page becomes the machine's own, writable, and counts as written: whoever asks is about to write it.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::make_own(GuestPhys address) {
    const Place at(address);
    const Phys leaf_frame = TRY(leaf_of(address), "finding the nested table of a page to own", address);
    const SnapshotEntry from = TRY(shared(at), "finding what a page holds", address);
    if (from.table())
        return FAIL(shared_page, "the guest's page tables are shared by all machines since the snapshot",
                    address);
    mm::OwnedFrame copy(*frames_, TRY(copy_of(from), "making a page the machine's own", address), owner());
    auto leaf = TRY(memory_->pin(leaf_frame), "pinning a nested table to map a page", address);
    mm::Entry &entry = entries(leaf)[at.index];
    epoch_ += entry.present(); // reads went to the shared frame until now
    entry = mm::NestedFormat::leaf(copy.get(), mm::read_write_execute, mm::Cache::write_back);
    entry.raw |= mm::Entry::Accessed::mask | mm::Entry::Dirty::mask;
    regions_[at.region].own[at.index / 64] |= Region::bit(at.index);
    ++own_count_;
    joined_cold(at.region);
    return copy.release();
}

// The frame that the host may write for this page; the page is dirty from now on.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::writable_frame(GuestPhys address) {
    const Place at(address);
    if (!regions_[at.region].is_own(at.index))
        return TRY(make_own(address), "copying a page that the host writes", address);
    auto leaf =
        TRY(memory_->pin(regions_[at.region].leaf), "pinning a nested table to mark a page dirty", address);
    mm::Entry &entry = entries(leaf)[at.index];
    // An entry that only gains bits needs no flush. Writable again: a snapshot that failed half-way took
    // that.
    entry.raw |= mm::Entry::Writable::mask | mm::Entry::Accessed::mask | mm::Entry::Dirty::mask;
    return entry.frame();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::frame_of(GuestPhys address) {
    const Place at(address);
    Region &region = regions_[at.region];
    if (region.is_own(at.index)) {
        auto leaf = TRY(memory_->pin(region.leaf), "pinning a nested table to find a page", address);
        return entries(leaf)[at.index].frame();
    }
    const SnapshotEntry from = TRY(shared(at), "finding a page in the snapshot", address);
    return from.present() ? from.frame() : zero_;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Fault> GuestMemory<Memory, Frames>::fault(GuestPhys address, Access access) {
    cpu::trace(page_faults, address.value(), static_cast<u64>(access));
    if (address.value() >= size_) return Fault::beyond_memory;
    const Place at(address);
    const Phys leaf_frame = TRY(leaf_of(address), "finding the nested table of a fault", address);
    const SnapshotEntry from = TRY(shared(at), "finding what a faulting page holds", address);
    {
        auto leaf = TRY(memory_->pin(leaf_frame), "pinning a nested table for a fault", address);
        const mm::Entry entry = entries(leaf)[at.index];
        if (entry.present() && (access != Access::write || entry.writable())) {
            if (++needless_faults_ > max_needless_faults)
                return FAIL(fault_stays, "the guest faults for ever on an entry that allows the access",
                            address, entry.raw, access);
            return Fault::resolved;
        }
        needless_faults_ = 0;
        ++spent_.new_pages;
        if (!regions_[at.region].is_own(at.index) && (access != Access::write || from.table())) {
            TRY(share(address, leaf, from), "sharing a page with the guest", address);
            TRY(share_around(address, leaf), "sharing the pages behind it", address);
            return Fault::resolved;
        }
    }
    TRY(writable_frame(address), "giving the guest a page to write", address);
    TRY(own_around(address), "making the pages behind it the machine's own", address);
    return Fault::resolved;
}

// Calls visit(address) for the pages behind one, as far as faults are answered ahead, within its nested
// table.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Visit>
rstate::Result<void> GuestMemory<Memory, Frames>::each_behind(GuestPhys address, Visit &&visit) {
    if (snapshot_ == nullptr) return rstate::done();
    GuestPhys page = address.page();
    for (u32 i = 0; i < fault_around_; ++i) {
        page += page_size;
        if (page.value() >= size_ || is_aligned(page.value(), region_size)) return rstate::done();
        TRY(visit(page), "answering a fault ahead of time", page);
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::share_around(GuestPhys address, Pin &leaf) {
    return each_behind(address, [&](GuestPhys page) -> rstate::Result<void> {
        if (!entries(leaf)[Place(page).index].empty()) return rstate::done();
        const SnapshotEntry from = TRY(shared(Place(page)), "finding what a page behind holds", page);
        return share(page, leaf, from);
    });
}

// Only memory that the target had not used before its door, a heap that grows: what it had used is written in
// most cases or in none. Never when frames are short: what is taken ahead would be parted with again.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::own_around(GuestPhys address) {
    if (spare_count_ != 0 || own_count_ + fault_around_ > page_limit_) return rstate::done();
    return each_behind(address, [&](GuestPhys page) -> rstate::Result<void> {
        const Place at(page);
        const SnapshotEntry from = TRY(shared(at), "finding what a page behind holds", page);
        if (regions_[at.region].is_own(at.index) || (from.present() && !from.pattern()))
            return rstate::done();
        TRY(make_own(page), "copying a page ahead of its first write", page);
        auto leaf =
            TRY(memory_->pin(regions_[at.region].leaf), "pinning a nested table to call a page clean", page);
        entries(leaf)[at.index].raw &= ~mm::Entry::Dirty::mask; // nothing was written: it equals the snapshot
        return rstate::done();
    });
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::write(GuestPhys to, Bytes data) {
    if (!inside(to, data.size()))
        return FAIL(outside_memory, "the host would write outside the guest's memory", to, data.size(),
                    size_);
    for (u64 done = 0; done < data.size();) {
        const GuestPhys at = to + done;
        const u64 piece = min(page_size - at.offset(), data.size() - done);
        if (HotPage<Pin> *hot = hot_page(Place(at))) {
            hot->entry().raw |= mm::Entry::Accessed::mask | mm::Entry::Dirty::mask;
            __builtin_memcpy(hot->own.bytes() + at.offset(), data.data() + done, piece);
            done += piece;
            continue;
        }
        const Phys frame = TRY(writable_frame(at), "making a page the host writes the machine's own", at);
        auto page = TRY(memory_->pin(frame), "pinning a page to write the guest's memory", at);
        __builtin_memcpy(page.bytes() + at.offset(), data.data() + done, piece);
        done += piece;
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Visit>
rstate::Result<void> GuestMemory<Memory, Frames>::view(GuestPhys from, u64 length, Visit &&visit) {
    if (!inside(from, length))
        return FAIL(outside_memory, "the host would read outside the guest's memory", from, length, size_);
    for (u64 done = 0; done < length;) {
        const GuestPhys at = from + done;
        const u64 piece = min(page_size - at.offset(), length - done);
        if (HotPage<Pin> *hot = hot_page(Place(at))) {
            visit(done, Bytes(hot->own.bytes() + at.offset(), piece));
            done += piece;
            continue;
        }
        const Phys frame = TRY(frame_of(at), "finding a page to read the guest's memory", at);
        auto page = TRY(memory_->pin(frame), "pinning a page to read the guest's memory", at);
        visit(done, Bytes(page.bytes() + at.offset(), piece));
        done += piece;
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::protect_tables(GuestPhys first, u64 pages) {
    if (snapshot_ != nullptr)
        return FAIL(snapshot_state, "page tables are named before the snapshot", first, pages);
    if (!first.page_aligned() || pages > size_ / page_size || !inside(first, pages * page_size))
        return FAIL(outside_memory, "the page tables would lie outside the guest's memory", first, pages,
                    size_);
    for (u64 i = 0; i < pages; ++i) {
        const GuestPhys page = first + i * page_size;
        TRY(writable_frame(page), "giving a page table its frame", page);
        const Place at(page);
        regions_[at.region].tables[at.index / 64] |= Region::bit(at.index);
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::attach(const Snapshot &snapshot) {
    if (!snapshot.taken()) return FAIL(snapshot_state, "the snapshot has not been taken yet");
    if (snapshot_ != nullptr) return FAIL(snapshot_state, "this machine has a snapshot already");
    if (snapshot.memory_size() != size_)
        return FAIL(snapshot_state, "the snapshot is of a machine of another size", snapshot.memory_size(),
                    size_);
    for (const Region &region : regions_)
        if (region.leaf != Phys())
            return FAIL(snapshot_state, "this machine has memory of its own, which the snapshot would hide");
    snapshot_ = &snapshot;
    return rstate::done();
}

} // namespace vm
