// mm/address_space_map.h — mapping frames into ranges, changing permissions: members of address_space.h.
#pragma once

namespace mm {

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::map(const Range &range, u64 page, Phys frame, Permissions allowed,
                                          Cache cache) {
    CHECK(HostFormat::allows(allowed), "no page is both writable and executable", range.first);
    if (page >= range.pages)
        return FAIL(bad_address, "the page is not one of the range's", page, range.pages);
    const cpu::Guard guard(lock_);
    Location at = TRY(entries_.reserved(range, page), "finding a reserved page", range.first, page);
    TRY(entries_.write_leaf(at, HostFormat::leaf(frame, allowed, cache)), "mapping a reserved page", frame);
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<OwnedFrame<Frames<M>>> AddressSpace<M>::filled_frame(Owner owner, u64 word) {
    OwnedFrame frame(frames_, TRY(frames_.allocate(owner), "allocating a page"), owner);
    auto pin = TRY(frames_.memory().pin(frame.get()), "pinning a new page to fill it");
    cpu::fill_page(pin.bytes(), word);
    return frame;
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::populate_page(const Range &range, u64 page, const Record &record,
                                                    u64 word) {
    OwnedFrame frame = TRY(filled_frame(record.owner, word), "making a page", page);
    TRY(map(range, page, frame.get(), record.allowed), "mapping a new page", page);
    frame.release();
    return rstate::done();
}

template <PhysicalMemory M> rstate::Result<void> AddressSpace<M>::populate(const Range &range, u64 word) {
    const Record record = TRY(record_of(range), "finding the range to populate", range.first);
    for (u64 page = 0; page < range.pages; ++page) {
        auto populated = populate_page(range, page, record, word);
        if (populated.ok()) continue;
        unmap_pages(range, record, AbsentKind::reserved);
        return WRAP(populated.take_error(), "giving a range its frames", page, range.pages);
    }
    return rstate::done();
}

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::map_memory(u64 pages, Owner owner, AllocationSite site,
                                                  Permissions allowed) {
    const RangeRequest request{pages, site, RangeKind::memory, owner, allowed, nullptr, 0, 0};
    const Range range = TRY(reserve(request), "finding addresses for memory", pages);
    auto populated = populate(range, 0);
    if (populated.ok()) return range;
    release_unused(range);
    return WRAP(populated.take_error(), "mapping memory", pages, owner);
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

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::protect(const Range &range, u64 page, Permissions allowed) {
    if (page >= range.pages)
        return FAIL(bad_address, "the page is not one of the range's", page, range.pages);
    ShootdownBatch batch;
    batch.add_page(range.page(page));
    {
        const cpu::Guard guard(lock_);
        TRY(live_record(range), "protecting a page of a range", range.first);
        const Location at = TRY(table().find(range.page(page)), "protecting a page", range.first, page);
        if (allowed.write && CopyOnWriteLeaf::test(at.entry.raw))
            return FAIL(forbidden_access, "a page that its pager shares is copied, not made writable",
                        range.first, page);
        TRY(table().protect(range.page(page), allowed), "protecting a page", range.first, page);
    }
    tlb_shootdown_.run(batch);
    return rstate::done();
}

} // namespace mm
