// mm/address_space_fault.h — page faults: paging in what is lazy, explaining the rest; members of
// mm/address_space.h.
#pragma once

#include "cpu/registers.h"

namespace mm {

// --- what an address belongs to

// The record that the entry of an address leads to, 0 for none; a mapped page leads to its range's guard.
template <PhysicalMemory M> rstate::Result<u32> AddressSpace<M>::record_id_at(Virt address, Location &at) {
    constexpr u64 furthest = max_pages;
    at = TRY(table_.locate(address), "looking an address up", address);
    if (!at.entry.present()) return at.level == 0 ? id_of(at.entry) : 0;
    Location before = at;
    for (u64 page = 1; before.entry.present() && page <= furthest; ++page) {
        before =
            TRY(table_.locate(address.page() - page * page_size), "looking for a range's guard", address);
        if (before.level != 0) return 0u; // pages that the boot mapped and nobody adopted
    }
    // Within a range some pages may be absent, reserved or lazy: their marks lead to it as well.
    return id_of(before.entry);
}

// The nearest record within a few pages of an address that belongs to nothing.
template <PhysicalMemory M> rstate::Result<u32> AddressSpace<M>::record_id_near(Virt address) {
    constexpr u64 reach = 64;
    for (u64 page = 1; page <= reach; ++page) {
        for (const Virt beside : {address - page * page_size, address + page * page_size}) {
            if (!is_canonical(beside.value())) continue;
            const Location at = TRY(table_.locate(beside), "looking beside an address", beside);
            if (at.level == 0 && id_of(at.entry) != 0 && !at.entry.present()) return id_of(at.entry);
        }
    }
    return 0u;
}

inline void set_verdict(Explanation &what, const rstate::Code &code, const char *text) {
    what.code = &code;
    what.text = text;
}

// Inside a range, by what its entry holds.
inline void judge(Explanation &what, Entry entry, u64 fault_code) {
    using Fault = cpu::PageFaultCode;
    if (what.range.state == RangeState::freed)
        return set_verdict(what, use_after_free,
                           what.inside() ? "use after free" : "beside a range that was freed");
    if (entry.present()) {
        if (Fault::Fetch::test(fault_code)) return set_verdict(what, forbidden_access, "execution of data");
        return set_verdict(what, forbidden_access,
                           Fault::Write::test(fault_code) ? "write to constant memory"
                                                          : "mapped: the fault is stale");
    }
    switch (absent_kind(entry)) {
    case AbsentKind::reserved:
        return set_verdict(what, not_backed, "reserved, and nothing is mapped yet");
    case AbsentKind::lazy:
        return set_verdict(what, not_backed, "lazy, and its pager was not asked or failed");
    default:
        return set_verdict(what, out_of_bounds,
                           what.address < what.range.block ? "underflow: before a live range"
                                                           : "overflow: behind a live range");
    }
}

template <PhysicalMemory M>
rstate::Result<void> AddressSpace<M>::explain_locked(Explanation &what, u64 fault_code) {
    Location at;
    u32 id = TRY(record_id_at(what.address, at), "explaining an address", what.address);
    if (at.level == 0 && absent_kind(at.entry) == AbsentKind::window) {
        set_verdict(what, stale_pin, "a window slot that maps nothing: a pin that has ended");
        return rstate::done();
    }
    const bool near = id == 0;
    if (near) id = TRY(record_id_near(what.address), "looking around an address", what.address);
    if (id == 0) {
        set_verdict(what, wild_access, at.entry.present() ? "mapped by the boot" : "nothing is or was near");
        return rstate::done();
    }
    what.range = TRY(records_.read(id), "reading what an address belongs to", id);
    what.has_range = true;
    if (near)
        set_verdict(what, wild_access, "unmapped, some pages from a range");
    else
        judge(what, at.entry, fault_code);
    return rstate::done();
}

// A fault may have happened under the lock, by this core or by one that is dead.
template <PhysicalMemory M> bool AddressSpace<M>::lock_for_panic() {
    for (u32 i = 0; i < 1'000'000; ++i) {
        if (lock_.try_lock()) return true;
        if (lock_.held_by_me()) return false;
        tlb_shootdown_.serve();
        cpu::pause();
    }
    return false;
}

template <PhysicalMemory M> Explanation AddressSpace<M>::explain(Virt address, u64 fault_code) {
    Explanation what;
    what.address = address;
    if (looks_uninitialised(address.value())) {
        set_verdict(what, uninitialised_pointer, "a pointer read out of memory that was never written");
        return what;
    }
    if (!is_canonical(address.value())) return set_verdict(what, wild_access, "not canonical"), what;
    if (address.value() >= 0 - kept_free_at_ends)
        return set_verdict(what, null_access, "just before the null address"), what;
    if (address.value() < kept_free_at_ends)
        return set_verdict(what, null_access, "near the null address"), what;
    const bool mine = lock_.held_by_me();
    const bool locked = !mine && lock_for_panic();
    if (!mine && !locked) {
        set_verdict(what, wild_access, "unknown: another core holds the address space's lock");
        return what;
    }
    auto explained = explain_locked(what, fault_code);
    if (locked) unlock_after_panic();
    if (!explained.ok()) {
        rstate::handled(std::move(explained));
        what.has_range = false;
        set_verdict(what, wild_access, "unknown: the tables could not be walked");
    }
    return what;
}

template <PhysicalMemory M> void AddressSpace<M>::unlock_after_panic() { lock_.unlock(); }

template <PhysicalMemory M>
template <class Visit>
rstate::Result<void> AddressSpace<M>::visit_ranges(Visit &&visit) {
    const cpu::Guard guard(lock_);
    return records_.visit([&](u32 id, const Record &record) {
        if (record.state == RangeState::live) visit(id, record);
    });
}

// --- freeing by address

template <PhysicalMemory M>
rstate::Result<Range> AddressSpace<M>::begin_free(Virt block, u64 size, const void *freed_from) {
    const cpu::Guard guard(lock_);
    Explanation what;
    what.address = block;
    set_verdict(what, bad_free, "freed, but nothing is there");
    if (!is_canonical(block.value())) return to_error(what);
    Location at;
    const u32 id = TRY(record_id_at(block, at), "finding the block to free", block);
    if (id == 0) return to_error(what);
    what.range = TRY(records_.read(id), "reading the record of the block to free", id);
    what.has_range = true;
    const Record &record = what.range;
    if (record.state == RangeState::freed)
        return set_verdict(what, double_free, "freed again"), to_error(what);
    if (record.kind != RangeKind::heap_block || record.block != block)
        return set_verdict(what, bad_free, "freed, but not the start of a block"), to_error(what);
    if (record.size != size) return set_verdict(what, wrong_size, "freed with another size"), to_error(what);
    TRY(mark_freed(id, record, freed_from), "recording who freed a block", block);
    return Range{record.first, record.pages, id, record.key};
}

// --- lazy ranges

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::handle_page_fault(Virt address, u64 fault_code) {
    using Fault = cpu::PageFaultCode;
    if (!is_canonical(address.value()) || lock_.held_by_me()) return false;
    Location at;
    Record record;
    {
        const cpu::Guard guard(lock_);
        const u32 id = TRY(record_id_at(address, at), "finding what a fault is about", address);
        if (id == 0) return false;
        record = TRY(records_.read(id), "reading the record of a faulting range", id);
    }
    const bool write = Fault::Write::test(fault_code);
    const bool allowed =
        (!write || record.allowed.write) && (!Fault::Fetch::test(fault_code) || record.allowed.execute);
    if (record.kind != RangeKind::lazy || record.state != RangeState::live || !allowed) return false;
    if (absent_kind(at.entry) == AbsentKind::lazy) return page_in(address.page(), at, record, write);
    if (at.entry.present() && write && CopyOnWriteLeaf::test(at.entry.raw))
        return copy_shared(address.page(), at, record);
    // Another core was faster: the page is there by now.
    return at.entry.present() && (!write || at.entry.writable());
}

// The pager runs without a lock: it may take as long as it likes, and fault itself.
template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::page_in(Virt page, const Location &at, const Record &record,
                                              bool write) {
    const u64 number = (page - record.first) / page_size;
    if (record.pager->share != nullptr) {
        const Phys frame = TRY(record.pager->share(record.pager->context, number),
                               "asking a pager to share a page", page, number);
        Entry leaf = HostFormat::leaf(frame, {false, record.allowed.execute}, Cache::write_back);
        leaf.raw |= CopyOnWriteLeaf::mask;
        const bool put = TRY(put_page(page, at.entry, leaf), "mapping a shared page", page);
        // A write finds it read-only at once; taking two faults keeps the two steps apart.
        return put || !write;
    }
    const Phys frame = TRY(filled_frame(record.owner, 0), "making a page for a pager to fill", page);
    auto put = fill_and_put(page, at.entry, record, frame);
    if (!put.ok() || !put.value()) frames_.free(frame, record.owner);
    TRY(std::move(put), "paging in", page, number);
    return true;
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::fill_and_put(Virt page, Entry before, const Record &record,
                                                   Phys frame) {
    {
        auto pin = TRY(frames_.memory().pin(frame), "pinning a page for its pager", frame);
        TRY(record.pager->fill(record.pager->context, (page - record.first) / page_size, pin.bytes()),
            "asking a pager to fill a page", page);
    }
    return put_page(page, before, HostFormat::leaf(frame, record.allowed, Cache::write_back));
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::copy_shared(Virt page, const Location &at, const Record &record) {
    const Phys copy = TRY(filled_frame(record.owner, 0), "making a page to copy to", page);
    auto put = copy_and_put(page, at.entry, record, copy);
    if (!put.ok() || !put.value()) frames_.free(copy, record.owner);
    TRY(std::move(put), "copying a shared page", page);
    ShootdownBatch batch; // other cores may still read the shared page
    batch.add_page(page);
    tlb_shootdown_.run(batch);
    return true;
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::copy_and_put(Virt page, Entry shared, const Record &record, Phys copy) {
    {
        auto from = TRY(frames_.memory().pin(shared.frame()), "pinning a shared page", page);
        auto to = TRY(frames_.memory().pin(copy), "pinning the copy of a shared page", page);
        cpu::copy_page(to.bytes(), from.bytes());
    }
    return put_page(page, shared, HostFormat::leaf(copy, record.allowed, Cache::write_back));
}

// Replaces a page's entry, unless it is no longer what it was: false then, and the fault is tried again.
template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::put_page(Virt page, Entry before, Entry after) {
    const cpu::Guard guard(lock_);
    Location now = TRY(table_.locate(page), "finding the entry of a faulting page", page);
    if (now.level != 0 || now.entry != before) return false;
    if (before.present())
        TRY(frames_.uncount_mapping(before.frame()), "counting that a frame is lent no more", page);
    auto written = write_leaf(now, after);
    if (!written.ok() && before.present()) must(frames_.count_mapping(before.frame()), "undoing a mapping");
    TRY(std::move(written), "mapping a faulting page", page);
    return true;
}

} // namespace mm
