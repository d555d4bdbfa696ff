// mm/address_space_free.h — freeing ranges, and the quarantine: members of mm/address_space.h.
//
// A page is freed in three steps, so that its frame never serves again while a core can reach it: its entry
// becomes `unmapping` and keeps the frame's number; every core drops the translation; the frame is freed.
#pragma once

namespace mm {

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::mark_freed(u32 id, Record record, const void *freed_from) {
    record.state = RangeState::freed;
    record.freed_by = static_cast<u8>(current_core());
    record.freed_from = freed_from;
    record.next = 0;
    return records_.write(id, record);
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::unmap_and_free(const Range &range, const void *freed_from) {
    { // checked and marked under one lock: of two cores that free a range, the second fails
        const cpu::Guard guard(lock_);
        const Record record = TRY(live_record(range), "ending a range", range.first);
        TRY(mark_freed(range.id, record, freed_from), "recording who ended a range", range.first);
    }
    finish_free(range);
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::begin_free(Virt block, u64 size, const void *freed_from) {
    const cpu::Guard guard(lock_);
    Explanation what;
    what.address = block;
    what.set(bad_free, "freed, but nothing is there");
    if (!is_canonical(block.value())) return to_error(what);
    Location at;
    const u32 id = TRY(lookup_.id_at(block, at), "finding the block to free", block);
    if (id == 0) return to_error(what);
    what.range = TRY(records_.read(id), "reading the record of the block to free", id);
    what.has_range = true;
    const Record &record = what.range;
    if (record.state == RangeState::freed) return what.set(double_free, "freed again"), to_error(what);
    if (record.kind != RangeKind::heap_block || record.block != block)
        return what.set(bad_free, "freed, but not the start of a block"), to_error(what);
    if (record.size != size) return what.set(wrong_size, "freed with another size"), to_error(what);
    TRY(mark_freed(id, record, freed_from), "recording who freed a block", block);
    return Range{record.first, record.pages, id, record.key};
}

template <PhysicalMemory M> void AddressSpace<M>::finish_free(const Range &range) {
    Record record;
    {
        const cpu::Guard guard(lock_);
        auto found = records_.read(range.id);
        CHECK(found.ok() && found.value().state == RangeState::freed && found.value().key == range.key,
              "a range is marked as freed before it is unmapped", range.first);
        record = found.take();
    }
    unmap_pages(range, record, AbsentKind::freed);
    put_in_quarantine(range.id);
}

template <PhysicalMemory M> void AddressSpace<M>::release_unused(const Range &range) {
    auto record = record_of(range);
    CHECK(record.ok(), "a range is released by the code that made it", range.first);
    unmap_pages(range, record.value(), AbsentKind::reserved);
    DetachedTables<M> detached = detached_tables(); // freed after the lock is released
    const cpu::Guard guard(lock_);
    drop_range(range, detached);
}

// --- unmapping

template <PhysicalMemory M>
void AddressSpace<M>::unmap_pages(const Range &range, const Record &record, AbsentKind after) {
    for (u64 page = 0; page < range.pages; page += segment_pages)
        unmap_segment(range, page, min(segment_pages, range.pages - page), record, after);
}

template <PhysicalMemory M>
void AddressSpace<M>::unmap_segment(const Range &range, u64 page, u64 count, const Record &record,
                                    AbsentKind after) {
    const bool counted = counts_mappings(record), owned = record.owner != Owner::none;
    ShootdownBatch batch;
    {
        const cpu::Guard guard(lock_);
        entries_.must_visit(range.page(page), count, [&](auto &pin, u32 index, u64 i) {
            const Entry entry = load_entry(pin, index);
            if (!entry.present()) return;
            store_entry(pin, index, unmapping_entry(entry, range.id));
            batch.add_page(range.page(page + i));
            if (owned) batch.add_frame(entry.frame());
        });
    }
    if (!batch.empty()) tlb_shootdown_.run(batch);
    const cpu::Guard guard(lock_);
    entries_.must_visit(range.page(page), count, [&](auto &pin, u32 index, u64) {
        const Entry entry = load_entry(pin, index);
        store_entry(pin, index, absent_entry(after, range.id, range.key));
        if (absent_kind(entry) != AbsentKind::unmapping) return;
        const Phys frame = unmapping_frame(entry);
        if (counted) must(frames_.uncount_mapping(frame), "ending a range");
        if (owned && !AbsentBits::CopyOnWrite::test(entry.raw)) frames_.free_unreachable(frame, record.owner);
    });
}

// --- the quarantine

// The oldest ranges leave when there are too many, a few at a time.
template <PhysicalMemory M> void AddressSpace<M>::put_in_quarantine(u32 id) {
    bool too_many = false;
    {
        const cpu::Guard guard(lock_);
        quarantine_.push(id);
        too_many = quarantine_.count() > quarantine_.capacity() + leave_together;
    }
    if (too_many || quarantine_.capacity() == 0) leave_quarantine();
}

template <PhysicalMemory M> bool AddressSpace<M>::leave_quarantine() {
    DetachedTables<M> detached = detached_tables(); // freed after the lock is released
    const cpu::Guard guard(lock_);
    u32 count = 0;
    for (; count < leave_together && quarantine_.count() != 0; ++count)
        drop_range(quarantine_.pop(), detached);
    return count != 0;
}

template <PhysicalMemory M> bool AddressSpace<M>::drain_quarantine() {
    bool any = false;
    while (leave_quarantine()) any = true;
    return any;
}

// Empties the entries of the range and of its guard pages, and removes its record.
template <PhysicalMemory M>
void AddressSpace<M>::drop_range(const Range &range, DetachedTables<M> &detached) {
    entries_.clear(range.first - page_size, range.pages + 2, detached);
    records_.remove(range.id);
}

} // namespace mm
