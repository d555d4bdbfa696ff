// vm/guest_memory_pages.h — GuestMemory: construction, and where each page is; the host's reads and writes.
// Part of guest_memory.h.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
auto GuestMemory<Memory, Frames>::make(Memory &memory, Frames &frames, const mm::Allocator &heap, u64 size)
    -> rstate::Result<GuestMemory> {
    if (size == 0 || size > max_memory || !is_aligned(size, page_size))
        return FAIL(bad_options, "a machine's memory is whole pages, at least one, at most 4 GiB", size);
    auto regions = TRY(RegionTable::make(heap, align_up(size, region_size) / region_size),
                       "allocating the records of a machine's memory", size);
    GuestMemory made(memory, frames, heap, std::move(regions), size);
    made.hot_ = TRY(HotPages<Pin>::make(heap), "making the list of hot pages");
    made.zero_ = TRY(frames.allocate(mm::Owner::guest_private), "allocating the zero frame");
    {
        auto zero = TRY(memory.pin(made.zero_), "pinning the zero frame");
        cpu::fill_page(zero.bytes(), 0);
    }
    made.table_ = TRY(Table::make(memory, frames), "making the nested tables");
    made.has_table_ = true;
    return made;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
GuestMemory<Memory, Frames>::GuestMemory(GuestMemory &&other)
    : memory_(other.memory_), frames_(other.frames_), heap_(other.heap_), regions_(std::move(other.regions_)),
      table_(other.table_), has_table_(other.has_table_), zero_(other.zero_), fill_(other.fill_),
      fill_first_(other.fill_first_), fill_pages_(other.fill_pages_), fill_byte_(other.fill_byte_),
      size_(other.size_), snapshot_(other.snapshot_), hot_(std::move(other.hot_)),
      active_words_(other.active_words_), epoch_(other.epoch_), fault_around_(other.fault_around_),
      private_count_(other.private_count_), page_limit_(other.page_limit_), evict_hand_(other.evict_hand_),
      reserve_count_(other.reserve_count_), needless_faults_(other.needless_faults_),
      statistics_(other.statistics_) {
    for (u64 i = 0; i < max_regions / 64; ++i) active_[i] = other.active_[i], other.active_[i] = 0;
    for (u32 i = 0; i < reserve_count_; ++i) reserve_[i] = other.reserve_[i];
    other.reserve_count_ = 0, other.active_words_ = 0;
    other.has_table_ = false;
    other.zero_ = other.fill_ = Phys();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> GuestMemory<Memory, Frames>::~GuestMemory() {
    while (hot_.size() != 0) demote(hot_.size() - 1); // unpin before freeing; now every private page is cold
    mm::FrameBatch batch(*frames_, owner());
    while (reserve_count_ != 0) batch.add(reserve_[--reserve_count_]);
    auto freed = for_active([&](u64 number) -> rstate::Result<void> {
        Region &region = regions_[number];
        auto leaf =
            TRY(memory_->pin(region.leaf), "pinning a nested table to free a machine's pages", number);
        for (u64 i = 0; i < pages_per_region; ++i)
            if (region.is_private(i)) batch.add(entries(leaf)[i].frame());
        return rstate::done();
    });
    // Only a failing pin gets here. Frames are leaked rather than freed twice.
    if (!freed.ok()) rstate::report(freed.take_error(), "a machine's pages are lost");
    if (has_table_) {
        auto destroyed = table_.destroy(*frames_);
        if (!destroyed.ok()) rstate::report(destroyed.take_error(), "a machine's nested tables are lost");
    }
    if (zero_ != Phys()) frames_->free(zero_, mm::Owner::guest_private);
    if (fill_ != Phys()) frames_->free(fill_, mm::Owner::guest_private);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Visit>
rstate::Result<void> GuestMemory<Memory, Frames>::for_active(Visit &&visit) {
    for (u64 words = active_words_; words != 0; words &= words - 1) {
        const u64 word = static_cast<u64>(__builtin_ctzl(words));
        for (u64 bits = active_[word]; bits != 0; bits &= bits - 1)
            TRY(visit(word * 64 + static_cast<u64>(__builtin_ctzl(bits))),
                "going through a machine's private pages");
    }
    return rstate::done();
}

// The record of a region, made at its first use.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Region *> GuestMemory<Memory, Frames>::use_region(u64 number) {
    auto first = regions_.use(number);
    if (first.ok()) return first.take();
    if (snapshot_ == nullptr) return TRY(std::move(first), "making the record of a region", number);
    rstate::handled(std::move(first));
    evict(reserve_capacity); // frees frames, of which the heap needs one
    auto again = regions_.use(number);
    if (again.ok()) return again.take();
    rstate::handled(std::move(again));
    return FAIL(out_of_memory, "no memory is free for the record of a region", number, private_count_);
}

// The nested leaf table for `address`, made at the first use of its region. Afterwards one load finds it.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::leaf_of(GuestPhys address) {
    Region *region = TRY(use_region(Place(address).region), "finding the record of a region", address);
    if (region->leaf == Phys()) {
        EvictingFrames frames{*this};
        region->leaf =
            TRY(table_.prepare(address, frames), "making the nested table of a region", address).table;
    }
    return region->leaf;
}

// The snapshot's entry of a page; not present means zeros.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<SnapshotEntry> GuestMemory<Memory, Frames>::snapshot_entry(Place place) {
    if (snapshot_ == nullptr) return SnapshotEntry{};
    const Phys table = snapshot_->table(place.region);
    if (table == Phys()) return SnapshotEntry{};
    auto pin = TRY(memory_->pin(table), "pinning a snapshot's table", place.region);
    return SnapshotEntry{reinterpret_cast<const u64 *>(pin.bytes())[place.index]};
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::frame_of(GuestPhys address) {
    const Place at(address);
    if (is_private(at)) {
        auto leaf =
            TRY(memory_->pin(regions_[at.region].leaf), "pinning a nested table to find a page", address);
        return entries(leaf)[at.index].frame();
    }
    const SnapshotEntry from = TRY(snapshot_entry(at), "finding a page in the snapshot", address);
    return source(at, from);
}

// The frame that the host may write for this page. The page counts as dirty from now on.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::writable_frame(GuestPhys address) {
    const Place at(address);
    if (!is_private(at)) return TRY(make_private(address), "copying a page that the host writes", address);
    auto leaf =
        TRY(memory_->pin(regions_[at.region].leaf), "pinning a nested table to mark a page dirty", address);
    mm::Entry &entry = entries(leaf)[at.index];
    // No flush: the entry only gains permissions. A snapshot that failed half-way had removed Writable.
    entry.raw |= mm::Entry::Writable::mask | mm::Entry::Accessed::mask | mm::Entry::Dirty::mask;
    return entry.frame();
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
            __builtin_memcpy(hot->page.bytes() + at.offset(), data.data() + done, piece);
            done += piece;
            continue;
        }
        const Phys frame = TRY(writable_frame(at), "making a page the host writes private", at);
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
            visit(done, Bytes(hot->page.bytes() + at.offset(), piece));
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
rstate::Result<void> GuestMemory<Memory, Frames>::set_fill(GuestPhys first, u64 pages, u8 byte) {
    if (fill_pages_ != 0 || snapshot_ != nullptr)
        return FAIL(snapshot_state, "a machine has one fill, from before its snapshot", first, pages);
    if (!first.page_aligned() || pages > size_ / page_size || !inside(first, pages * page_size))
        return FAIL(outside_memory, "the filled pages would lie outside the guest's memory", first, pages,
                    size_);
    if (pages == 0) return rstate::done();
    for (u64 number = Place(first).region; number <= Place(first + (pages - 1) * page_size).region; ++number)
        if (regions_.find(number) != nullptr)
            return FAIL(snapshot_state, "pages that are in use already cannot be filled", first, pages);
    mm::OwnedFrame frame(*frames_,
                         TRY(frames_->allocate(mm::Owner::guest_private), "allocating the fill frame"),
                         mm::Owner::guest_private);
    {
        auto page = TRY(memory_->pin(frame.get()), "pinning the fill frame");
        cpu::fill_page(page.bytes(), repeated(byte));
    }
    fill_ = frame.release();
    fill_first_ = first.frame_number(), fill_pages_ = pages, fill_byte_ = byte;
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
        TRY(writable_frame(page), "allocating the frame of a page table", page);
        const Place at(page);
        regions_[at.region].table_bits[at.index / 64] |= Region::bit(at.index);
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
    for (u64 number = 0; number < regions_.size(); ++number)
        if (const Region *region = regions_.find(number); region != nullptr && region->leaf != Phys())
            return FAIL(snapshot_state,
                        "this machine has pages already, which attaching a snapshot would hide", number);
    const Fill &fill = snapshot.fill();
    TRY(set_fill(fill.first, fill.pages, fill.byte), "filling memory as the snapshot's machine did");
    snapshot_ = &snapshot;
    return rstate::done();
}

} // namespace vm
