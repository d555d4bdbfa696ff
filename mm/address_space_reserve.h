// mm/address_space_reserve.h — making ranges at random addresses (KASLR), or of what the boot mapped.
//
// Members of mm/address_space.h.
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

template <PhysicalMemory M> rstate::Result<Range> AddressSpace<M>::reserve(const RangeRequest &request) {
    if (request.pages == 0 || request.pages > max_pages)
        return FAIL(too_large, "a range has 1 to 2^24 pages", request.pages, request.site.type);
    CHECK(HostFormat::allows(request.allowed), "no page is both writable and executable", request.pages);
    auto range = reserve_once(request);
    // Records of freed ranges use tables and frames: drop them before failing a new reservation.
    const bool full = !range.ok() && (range.error().is(out_of_frames) || range.error().is(out_of_records));
    if (full && drain_quarantine()) {
        rstate::handled(std::move(range));
        return reserve_once(request);
    }
    return range;
}

template <PhysicalMemory M> rstate::Result<Range> AddressSpace<M>::reserve_once(const RangeRequest &request) {
    DetachedTables<M> detached = detached_tables(); // freed after the lock is released
    const cpu::Guard guard(lock_);
    const Virt guards = TRY(random_place(request.pages + 2), "choosing an address", request.pages);
    Range range{guards + page_size, request.pages, 0, random_.next() & key_mask};
    range.id = TRY(records_.add(record_for(range, request)), "recording a range", request.pages);
    const AbsentKind kind = request.kind == RangeKind::lazy ? AbsentKind::lazy : AbsentKind::reserved;
    auto filled = fill_range(range, kind, detached);
    if (filled.ok()) return range;
    records_.remove(range.id);
    return WRAP(filled.take_error(), "reserving addresses", range.first, range.pages);
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

// Every address bit is uniform and independent; a place where any page is in use is drawn again.
template <PhysicalMemory M> rstate::Result<Virt> AddressSpace<M>::random_place(u64 pages) {
    constexpr u32 tries = 1000; // were half of the space in use, all would fail once in 10^300 times
    for (u32 i = 0; i < tries; ++i) {
        const Virt first = HostFormat::address((random_.next() >> 28) * page_size);
        if (!placeable(first, pages * page_size)) continue;
        if (TRY(entries_.are_empty(first, pages), "looking whether addresses are free", first)) return first;
    }
    return FAIL(no_address_space, "a thousand random places were all taken", pages);
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::fill_guards(const Range &range, EntryRollback<M> &rollback) {
    const Entry guard = absent_entry(AbsentKind::guard, range.id, range.key);
    TRY(entries_.fill(range.first - page_size, 1, guard, rollback), "placing the guard page before a range",
        range.first);
    TRY(entries_.fill(range.end(), 1, guard, rollback), "placing the guard page behind a range", range.first);
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::fill_range(const Range &range, AbsentKind kind,
                                                 DetachedTables<M> &detached) {
    EntryRollback<M> rollback(entries_, detached);
    TRY(fill_guards(range, rollback), "guarding a range", range.first);
    TRY(entries_.fill(range.first, range.pages, absent_entry(kind, range.id, range.key), rollback),
        "filling a range's entries", range.first, range.pages);
    rollback.commit();
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::take_over(Virt first, const RangeRequest &request) {
    DetachedTables<M> detached = detached_tables(); // freed after the lock is released
    const cpu::Guard guard(lock_);
    Range range{first, request.pages, 0, random_.next() & key_mask};
    const bool room =
        TRY(entries_.are_empty(first - page_size, 1), "looking before the boot's pages", first) &&
        TRY(entries_.are_empty(range.end(), 1), "looking behind the boot's pages", first);
    if (!room) return FAIL(already_mapped, "the boot's pages have no room for guards", first, request.pages);
    const Record record = record_for(range, request);
    range.id = TRY(records_.add(record), "recording the boot's pages", first);
    auto guarded = guard_and_count(range, record, detached);
    if (guarded.ok()) return range;
    records_.remove(range.id);
    return WRAP(guarded.take_error(), "taking over the boot's pages", first, request.pages);
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::guard_and_count(const Range &range, const Record &record,
                                                      DetachedTables<M> &detached) {
    EntryRollback<M> rollback(entries_, detached);
    TRY(fill_guards(range, rollback), "guarding the boot's pages", range.first, range.pages);
    if (counts_mappings(record))
        TRY(entries_.count_mappings(range), "counting the boot's pages as mapped", range.first, range.pages);
    rollback.commit();
    return rstate::done();
}

} // namespace mm
