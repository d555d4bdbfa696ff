// mm/address_space_impl.h — making and ending ranges: the members of mm/address_space.h.
#pragma once

namespace mm {

template <PhysicalMemory M> void AddressSpace<M>::mix_entropy(Bytes entropy) {
    const cpu::Guard guard(lock_);
    random_.mix(entropy);
}

template <PhysicalMemory M> u64 AddressSpace<M>::random_word() {
    const cpu::Guard guard(lock_);
    return random_.next();
}

template <PhysicalMemory M>
template <class Visit>
rstate::Result<void> AddressSpace<M>::visit_entries(Virt first, u64 pages, Visit &&visit) {
    for (u64 page = 0; page < pages;) {
        const Location at = TRY(table_.locate(first + page * page_size), "walking a range", first, page);
        CHECK(at.level == 0, "a range has its tables", first, page, at.level);
        auto pin = TRY(frames_.memory().pin(at.table), "pinning a table of a range", at.table);
        for (u32 index = at.index; index < entries_per_table && page < pages; ++index, ++page)
            visit(pin, index, page);
    }
    return rstate::done();
}

template <PhysicalMemory M>
template <class Visit>
void AddressSpace<M>::must_visit_entries(Virt first, u64 pages, Visit &&visit) {
    must(visit_entries(first, pages, visit), "ending a range");
}

// --- making ranges

template <PhysicalMemory M> rstate::Result<Range> AddressSpace<M>::reserve(const RangeRequest &request) {
    if (request.pages == 0 || request.pages > max_pages)
        return FAIL(too_large, "a range has 1 to 2^24 pages", request.pages, request.site.type);
    CHECK(HostFormat::allows(request.allowed), "no page is both writable and executable", request.pages);
    auto range = reserve_once(request);
    // What the dead are remembered by costs tables and records; a range that lives is worth more.
    const bool full = !range.ok() && (range.error().is(out_of_frames) || range.error().is(out_of_records));
    if (full && drain_quarantine()) {
        rstate::handled(std::move(range));
        return reserve_once(request);
    }
    return range;
}

template <PhysicalMemory M> rstate::Result<Range> AddressSpace<M>::reserve_once(const RangeRequest &request) {
    Retired undone;
    auto range = reserve_locked(request, undone);
    free_retired(undone);
    return range;
}

template <PhysicalMemory M>
Record AddressSpace<M>::record_for(const Range &range, const RangeRequest &request) {
    Record record;
    record.number = made_.fetch_add(1);
    record.first = range.first, record.pages = range.pages, record.key = range.key;
    record.block = range.first + request.block_offset;
    record.size = request.size != 0 ? request.size : range.pages * page_size;
    record.site = request.site, record.pager = request.pager;
    record.made_by = static_cast<u8>(current_core());
    record.kind = request.kind, record.state = RangeState::live;
    record.owner = request.owner, record.allowed = request.allowed;
    return record;
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::reserve_locked(const RangeRequest &request, Retired &undone) {
    const cpu::Guard guard(lock_);
    const Virt guards = TRY(find_place(request.pages + 2), "choosing an address", request.pages);
    Range range{guards + page_size, request.pages, 0, random_.next() & key_mask};
    range.id = TRY(records_.add(record_for(range, request)), "recording a range", request.pages);
    auto marked =
        mark_range(range, request.kind == RangeKind::lazy ? AbsentKind::lazy : AbsentKind::reserved, undone);
    if (marked.ok()) return range;
    records_.remove(range.id);
    return WRAP(marked.take_error(), "reserving addresses", range.first, range.pages);
}

// A random page from which on `pages` pages are empty.
template <PhysicalMemory M> rstate::Result<Virt> AddressSpace<M>::find_place(u64 pages) {
    constexpr u32 tries = 1000; // were half of the space in use, all would fail once in 10^300 times
    for (u32 i = 0; i < tries; ++i) {
        const Virt first = HostFormat::address((random_.next() >> 28) * page_size);
        if (!placeable(first, pages * page_size)) continue;
        if (TRY(is_empty(first, pages), "looking whether addresses are free", first)) return first;
    }
    return FAIL(no_address_space, "a thousand random places were all taken", pages);
}

template <PhysicalMemory M> rstate::Result<bool> AddressSpace<M>::is_empty(Virt first, u64 pages) {
    for (u64 page = 0; page < pages;) {
        const Virt address = first + page * page_size;
        const Location at = TRY(table_.locate(address), "walking to a place", address);
        if (!at.entry.empty()) return false;
        if (at.level != 0) {
            const u64 span = page_size << (9 * at.level);
            page += (span - (address.value() & (span - 1))) / page_size;
            continue;
        }
        auto table = TRY(frames_.memory().pin(at.table), "pinning a table to look for a place", address);
        for (u32 index = at.index; index < entries_per_table && page < pages; ++index, ++page)
            if (!load_entry(table, index).empty()) return false;
    }
    return true;
}

// The mark into every entry, with the tables that are missing; when these cannot be made, all is as it was.
template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::write_marks(Virt first, u64 pages, Entry mark, Retired &undone) {
    for (u64 page = 0; page < pages;) {
        const Virt address = first + page * page_size;
        auto at = table_.prepare(address, frames_);
        if (!at.ok()) {
            clear_entries(first, page, undone);
            return WRAP(at.take_error(), "making the tables of a range", address);
        }
        auto pin = frames_.memory().pin(at.value().table);
        if (!pin.ok()) {
            clear_entries(first, page, undone);
            detach_empty_tables(address, undone);
            return WRAP(pin.take_error(), "marking the pages of a range", address);
        }
        for (u32 index = at.value().index; index < entries_per_table && page < pages; ++index, ++page)
            store_entry(pin.value(), index, mark);
    }
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::mark_guards(const Range &range, Retired &undone) {
    const Entry guard = absent_entry(AbsentKind::guard, range.id, range.key);
    TRY(write_marks(range.first - page_size, 1, guard, undone), "placing the guard before a range",
        range.first);
    auto behind = write_marks(range.end(), 1, guard, undone);
    if (!behind.ok()) clear_entries(range.first - page_size, 1, undone);
    return behind;
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::mark_range(const Range &range, AbsentKind kind, Retired &undone) {
    TRY(mark_guards(range, undone), "guarding a range", range.first);
    auto marked = write_marks(range.first, range.pages, absent_entry(kind, range.id, range.key), undone);
    if (marked.ok()) return marked;
    clear_entries(range.first - page_size, 1, undone);
    clear_entries(range.end(), 1, undone);
    return WRAP(marked.take_error(), "marking a range", range.first, range.pages);
}

template <PhysicalMemory M>
rstate::Result<Location> AddressSpace<M>::reserved_entry(const Range &range, u64 page) {
    const Location at = TRY(table_.locate(range.page(page)), "walking to a reserved page", range.first, page);
    if (at.entry.present()) return FAIL(already_mapped, "the page is mapped", range.first, page);
    if (at.level != 0 || at.entry != absent_entry(AbsentKind::reserved, range.id, range.key))
        return FAIL(wrong_key, "the page is not reserved with this key", range.first, page, at.entry.raw);
    return at;
}

// The frame counts as mapped from now on.
template <PhysicalMemory M> rstate::Result<void> AddressSpace<M>::write_leaf(Location &at, Entry leaf) {
    TRY(frames_.count_mapping(leaf.frame()), "counting that a frame is mapped", leaf.frame());
    auto written = table_.write(at, leaf);
    if (!written.ok()) must(frames_.uncount_mapping(leaf.frame()), "undoing a mapping");
    return written;
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::map(const Range &range, u64 page, Phys frame, Permissions allowed,
                                          Cache cache) {
    CHECK(HostFormat::allows(allowed), "no page is both writable and executable", range.first);
    if (page >= range.pages)
        return FAIL(bad_address, "the page is not one of the range's", page, range.pages);
    const cpu::Guard guard(lock_);
    Location at = TRY(reserved_entry(range, page), "finding a reserved page", range.first, page);
    TRY(write_leaf(at, HostFormat::leaf(frame, allowed, cache)), "mapping a reserved page", frame);
    return rstate::done();
}

template <PhysicalMemory M> rstate::Result<Phys> AddressSpace<M>::filled_frame(Owner owner, u64 word) {
    const Phys frame = TRY(frames_.allocate(owner), "allocating a page");
    auto pin = frames_.memory().pin(frame);
    if (!pin.ok()) {
        frames_.free(frame, owner);
        return WRAP(pin.take_error(), "pinning a new page to fill it");
    }
    cpu::fill_page(pin.value().bytes(), word);
    return frame;
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::back_page(const Range &range, u64 page, const Record &record,
                                                u64 word) {
    const Phys frame = TRY(filled_frame(record.owner, word), "making a page", page);
    auto mapped = map(range, page, frame, record.allowed);
    if (mapped.ok()) return mapped;
    frames_.free(frame, record.owner);
    return WRAP(mapped.take_error(), "mapping a new page", page);
}

template <PhysicalMemory M> rstate::Result<void> AddressSpace<M>::populate(const Range &range, u64 word) {
    const Record record = TRY(record_of(range), "finding the range to back", range.first);
    for (u64 page = 0; page < range.pages; ++page) {
        auto backed = back_page(range, page, record, word);
        if (backed.ok()) continue;
        unmap_pages(range, record, AbsentKind::reserved);
        return WRAP(backed.take_error(), "backing a range with frames", page, range.pages);
    }
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::map_memory(u64 pages, Owner owner, AllocationSite site,
                                                  Permissions allowed) {
    const RangeRequest request{pages, site, RangeKind::memory, owner, allowed, nullptr, 0, 0};
    const Range range = TRY(reserve(request), "finding addresses for memory", pages);
    auto backed = populate(range, 0);
    if (backed.ok()) return range;
    release_unused(range);
    return WRAP(backed.take_error(), "mapping memory", pages, owner);
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::map_device(Phys first, u64 pages, AllocationSite site,
                                                  Permissions allowed, Cache cache) {
    const RangeRequest request{pages, site, RangeKind::device, Owner::none, allowed, nullptr, 0, 0};
    const Range range = TRY(reserve(request), "finding addresses for a device", first, pages);
    for (u64 page = 0; page < pages; ++page) {
        auto mapped = map(range, page, first + page * page_size, allowed, cache);
        if (mapped.ok()) continue;
        release_unused(range);
        return WRAP(mapped.take_error(), "mapping a device", first, page);
    }
    return range;
}

// Pages that are mapped already count as that; `counted` says how far it came.
template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::count_mapped(const Range &range, u64 &counted) {
    while (counted < range.pages) {
        const Location at =
            TRY(table_.locate(range.page(counted)), "walking to a page of the boot's", range.first, counted);
        auto table = TRY(frames_.memory().pin(at.table), "pinning a table of the boot's pages", at.table);
        for (u32 index = at.index; index < entries_per_table && counted < range.pages; ++index, ++counted) {
            const Entry entry = load_entry(table, index);
            if (entry.present())
                TRY(frames_.count_mapping(entry.frame()), "counting that a frame is mapped", counted);
        }
    }
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::guard_taken_over(const Range &range, const Record &record,
                                                       Retired &undone) {
    TRY(mark_guards(range, undone), "guarding the boot's pages", range.first, range.pages);
    if (!counts_mappings(record)) return rstate::done();
    u64 counted = 0;
    auto done = count_mapped(range, counted);
    if (done.ok()) return done;
    must_visit_entries(range.first, counted, [&](auto &pin, u32 index, u64) {
        const Entry entry = load_entry(pin, index);
        if (entry.present()) must(frames_.uncount_mapping(entry.frame()), "undoing a mapping");
    });
    clear_entries(range.first - page_size, 1, undone);
    clear_entries(range.end(), 1, undone);
    return WRAP(done.take_error(), "taking the boot's pages over", range.first, range.pages);
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::take_over(Virt first, const RangeRequest &request) {
    Retired undone;
    auto range = take_over_locked(first, request, undone);
    free_retired(undone);
    return range;
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::take_over_locked(Virt first, const RangeRequest &request,
                                                        Retired &undone) {
    const cpu::Guard guard(lock_);
    Range range{first, request.pages, 0, random_.next() & key_mask};
    const bool room = TRY(is_empty(first - page_size, 1), "looking before the boot's pages", first) &&
                      TRY(is_empty(range.end(), 1), "looking behind the boot's pages", first);
    if (!room) return FAIL(already_mapped, "the boot's pages have no room for guards", first, request.pages);
    const Record record = record_for(range, request);
    range.id = TRY(records_.add(record), "recording the boot's pages", first);
    auto guarded = guard_taken_over(range, record, undone);
    if (guarded.ok()) return range;
    records_.remove(range.id);
    return WRAP(guarded.take_error(), "adopting the boot's pages", first, request.pages);
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::protect(const Range &range, u64 page, Permissions allowed) {
    if (page >= range.pages)
        return FAIL(bad_address, "the page is not one of the range's", page, range.pages);
    ShootdownBatch batch;
    batch.add_page(range.page(page));
    {
        const cpu::Guard guard(lock_);
        TRY(live_record(range), "protecting a page of a range", range.first);
        const Location at = TRY(table_.find(range.page(page)), "protecting a page", range.first, page);
        if (allowed.write && CopyOnWriteLeaf::test(at.entry.raw))
            return FAIL(forbidden_access, "a page that its pager lends is copied, not made writable",
                        range.first, page);
        TRY(table_.protect(range.page(page), allowed), "protecting a page", range.first, page);
    }
    tlb_shootdown_.run(batch);
    return rstate::done();
}

} // namespace mm
