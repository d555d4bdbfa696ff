// mm/address_space_end.h — ending ranges and forgetting them: members of mm/address_space.h.
//
// A page goes in three steps, so that its frame never serves anew while a core can reach it: its entry
// becomes `retiring` and keeps the frame's number, every core drops the translation, and only then the frame
// is freed.
#pragma once

namespace mm {

// The record of a handle that is good; under the lock.
template <PhysicalMemory M> rstate::Result<Record> AddressSpace<M>::live_record(const Range &range) {
    const Record record = TRY(records_.read(range.id), "reading the record of a range", range.id);
    if (record.key != range.key || record.first != range.first || record.state != RangeState::live)
        return FAIL(wrong_key, "the handle is not a live range's", range.first, range.id);
    return record;
}

template <PhysicalMemory M> rstate::Result<Record> AddressSpace<M>::record_of(const Range &range) {
    const cpu::Guard guard(lock_);
    return live_record(range);
}

// Empties entries and detaches the tables that are empty then.
template <PhysicalMemory M> void AddressSpace<M>::clear_entries(Virt first, u64 pages, Retired &retired) {
    for (u64 page = 0; page < pages;) {
        const Virt from = first + page * page_size;
        const u64 in_table = entries_per_table - Table::index_of(from, 0);
        const u64 count = min(pages - page, in_table);
        must_visit_entries(from, count, [](auto &pin, u32 index, u64) { store_entry(pin, index, Entry{}); });
        if (retired.count + HostFormat::levels > Retired::capacity) free_retired(retired);
        detach_empty_tables(from, retired);
        page += count;
    }
}

template <PhysicalMemory M> void AddressSpace<M>::detach_empty_tables(Virt address, Retired &retired) {
    const u32 before = retired.count;
    auto detached = table_.detach_empty_tables(address, [&](Phys table) {
        CHECK(retired.count < Retired::capacity, "detached tables are freed as they come", retired.count);
        retired.tables[retired.count++] = table;
        retired.batch.add_frame(table);
    });
    if (!detached.ok())
        rstate::ignore(std::move(detached), "empty tables stay, which costs frames and nothing else");
    // Dropping one page drops the upper-level entries on the way to it (APM vol 2 §5.5.2 "TLB Management").
    if (retired.count != before) retired.batch.add_page(address);
}

template <PhysicalMemory M> void AddressSpace<M>::free_retired(Retired &retired) {
    if (retired.count == 0) return;
    tlb_shootdown_.run(retired.batch);
    for (u32 i = 0; i < retired.count; ++i)
        frames_.give_back(retired.tables[i],
                          frames_.owner_of(retired.tables[i])); // the boot's tables are the boot's
    retired.clear();
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::mark_freed(u32 id, Record record, const void *freed_from) {
    record.state = RangeState::freed;
    record.freed_by = static_cast<u8>(current_core());
    record.freed_from = freed_from;
    record.next = 0;
    return records_.write(id, record);
}

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
        must_visit_entries(range.page(page), count, [&](auto &pin, u32 index, u64 i) {
            const Entry entry = load_entry(pin, index);
            if (!entry.present()) return;
            store_entry(pin, index, unmapping_entry(entry, range.id));
            batch.add_page(range.page(page + i));
            if (owned) batch.add_frame(entry.frame());
        });
    }
    if (!batch.empty()) tlb_shootdown_.run(batch);
    const cpu::Guard guard(lock_);
    must_visit_entries(range.page(page), count, [&](auto &pin, u32 index, u64) {
        const Entry entry = load_entry(pin, index);
        store_entry(pin, index, absent_entry(after, range.id, range.key));
        if (absent_kind(entry) != AbsentKind::unmapping) return;
        const Phys frame = unmapping_frame(entry);
        if (counted) must(frames_.uncount_mapping(frame), "ending a range");
        if (owned && !AbsentBits::CopyOnWrite::test(entry.raw)) frames_.give_back(frame, record.owner);
    });
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::unmap_and_free(const Range &range, const void *freed_from) {
    { // in one piece: of two cores that end a range, the second is told
        const cpu::Guard guard(lock_);
        const Record record = TRY(live_record(range), "ending a range", range.first);
        TRY(mark_freed(range.id, record, freed_from), "recording who ended a range", range.first);
    }
    finish_free(range);
    return rstate::done();
}

template <PhysicalMemory M> void AddressSpace<M>::finish_free(const Range &range) {
    Record record;
    {
        const cpu::Guard guard(lock_);
        auto found = records_.read(range.id);
        CHECK(found.ok() && found.value().state == RangeState::freed && found.value().key == range.key,
              "a range is marked as freed before it is taken away", range.first);
        record = found.take();
    }
    unmap_pages(range, record, AbsentKind::freed);
    remember(range.id);
}

// Puts a freed range behind the others; forgets the oldest ones when there are too many, a few at a time.
template <PhysicalMemory M> void AddressSpace<M>::remember(u32 id) {
    bool too_many = false;
    {
        const cpu::Guard guard(lock_);
        if (newest_freed_ != 0) {
            auto record = records_.read(newest_freed_);
            CHECK(record.ok(), "a remembered range has a record", newest_freed_);
            record.value().next = id;
            auto written = records_.write(newest_freed_, record.value());
            CHECK(written.ok(), "a remembered range has a record", newest_freed_);
        } else {
            oldest_freed_ = id;
        }
        newest_freed_ = id;
        too_many = ++freed_count_ > quarantine_size_ + forgotten_together;
    }
    if (too_many || quarantine_size_ == 0) forget_oldest(forgotten_together);
}

template <PhysicalMemory M> bool AddressSpace<M>::forget_oldest(u32 count) {
    Retired retired;
    bool any = false;
    {
        const cpu::Guard guard(lock_);
        for (; count != 0 && oldest_freed_ != 0; --count, any = true) {
            auto found = records_.read(oldest_freed_);
            CHECK(found.ok(), "a remembered range has a record", oldest_freed_);
            const Record record = found.take();
            const Range range{record.first, record.pages, oldest_freed_, record.key};
            oldest_freed_ = record.next;
            if (oldest_freed_ == 0) newest_freed_ = 0;
            --freed_count_;
            forget_range(range, retired);
        }
    }
    free_retired(retired);
    return any;
}

template <PhysicalMemory M> bool AddressSpace<M>::drain_quarantine() {
    bool any = false;
    while (forget_oldest(forgotten_together)) any = true;
    return any;
}

template <PhysicalMemory M> void AddressSpace<M>::forget_range(const Range &range, Retired &retired) {
    clear_entries(range.first - page_size, range.pages + 2, retired);
    records_.remove(range.id);
}

template <PhysicalMemory M> void AddressSpace<M>::release_unused(const Range &range) {
    auto record = record_of(range);
    CHECK(record.ok(), "a range is abandoned by who made it", range.first);
    unmap_pages(range, record.value(), AbsentKind::reserved);
    Retired retired;
    {
        const cpu::Guard guard(lock_);
        forget_range(range, retired);
    }
    free_retired(retired);
}

} // namespace mm
