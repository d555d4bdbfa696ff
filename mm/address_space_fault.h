// mm/address_space_fault.h — the kernel page fault path: demand paging, copy-on-write, explanations.
//
// Members of mm/address_space.h.
#pragma once

#include "cpu/registers.h"

namespace mm {

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::handle_page_fault(Virt address, u64 fault_code) {
    using Fault = cpu::PageFaultCode;
    if (!is_canonical(address.value()) || lock_.held_by_me()) return false;
    Location at;
    Record record;
    {
        const cpu::Guard guard(lock_);
        const u32 id = TRY(lookup_.id_at(address, at), "finding what a fault is about", address);
        if (id == 0) return false;
        record = TRY(records_.read(id), "reading the record of a faulting range", id);
    }
    const bool write = Fault::Write::test(fault_code);
    const bool allowed =
        (!write || record.allowed.write) && (!Fault::Fetch::test(fault_code) || record.allowed.execute);
    if (record.kind != RangeKind::lazy || record.state != RangeState::live || !allowed) return false;
    if (absent_kind(at.entry) == AbsentKind::lazy) return page_in(address.page(), at, record, write);
    if (at.entry.present() && write && CopyOnWriteLeaf::test(at.entry.raw))
        return copy_on_write(address.page(), at, record);
    // Another core was faster: the page is there by now.
    return at.entry.present() && (!write || at.entry.writable());
}

// The pager runs without a lock: it may take as long as it likes, and fault itself.
template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::page_in(Virt page, const Location &at, const Record &record,
                                              bool write) {
    if (record.pager->share != nullptr) return map_shared(page, at, record, write);
    OwnedFrame frame = TRY(filled_frame(record.owner, 0), "making a page for a pager to fill", page);
    if (TRY(fill_and_map(page, at.entry, record, frame.get()), "paging in", page)) frame.release();
    return true;
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::map_shared(Virt page, const Location &at, const Record &record,
                                                 bool write) {
    const u64 number = (page - record.first) / page_size;
    const Phys frame = TRY(record.pager->share(record.pager->context, number),
                           "asking a pager to share a page", page, number);
    Entry leaf = HostFormat::leaf(frame, {false, record.allowed.execute}, Cache::write_back);
    leaf.raw |= CopyOnWriteLeaf::mask;
    const bool mapped = TRY(replace_entry(page, at.entry, leaf), "mapping a shared page", page);
    // A write faults again at once and copies: two faults keep the two steps apart.
    return mapped || !write;
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::fill_and_map(Virt page, Entry before, const Record &record,
                                                   Phys frame) {
    {
        auto pin = TRY(frames_.memory().pin(frame), "pinning a page for its pager", frame);
        TRY(record.pager->fill(record.pager->context, (page - record.first) / page_size, pin.bytes()),
            "asking a pager to fill a page", page);
    }
    return replace_entry(page, before, HostFormat::leaf(frame, record.allowed, Cache::write_back));
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::copy_on_write(Virt page, const Location &at, const Record &record) {
    OwnedFrame copy = TRY(filled_frame(record.owner, 0), "making a page to copy to", page);
    if (TRY(copy_and_map(page, at.entry, record, copy.get()), "copying a shared page", page)) copy.release();
    ShootdownBatch batch; // other cores may still read the shared page
    batch.add_page(page);
    tlb_shootdown_.run(batch);
    return true;
}

template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::copy_and_map(Virt page, Entry shared, const Record &record, Phys copy) {
    {
        auto from = TRY(frames_.memory().pin(shared.frame()), "pinning a shared page", page);
        auto to = TRY(frames_.memory().pin(copy), "pinning the copy of a shared page", page);
        cpu::copy_page(to.bytes(), from.bytes());
    }
    return replace_entry(page, shared, HostFormat::leaf(copy, record.allowed, Cache::write_back));
}

// False: the entry is no longer `before`, since another core changed it; the access is tried again.
template <PhysicalMemory M>
rstate::Result<bool> AddressSpace<M>::replace_entry(Virt page, Entry before, Entry after) {
    const cpu::Guard guard(lock_);
    Location now = TRY(table().locate(page), "finding the entry of a faulting page", page);
    if (now.level != 0 || now.entry != before) return false;
    if (before.present())
        TRY(frames_.uncount_mapping(before.frame()), "counting that a shared frame is unmapped", page);
    auto written = entries_.write_leaf(now, after);
    if (!written.ok() && before.present()) must(frames_.count_mapping(before.frame()), "undoing a mapping");
    TRY(std::move(written), "mapping a faulting page", page);
    return true;
}

// --- explaining

// The fault may have happened under the lock: on this core, or on one that panicked and never releases it.
template <PhysicalMemory M> bool AddressSpace<M>::lock_for_panic() {
    for (u32 i = 0; i < 1'000'000; ++i) {
        if (lock_.try_lock()) return true;
        if (lock_.held_by_me()) return false;
        tlb_shootdown_.serve();
        cpu::pause();
    }
    return false;
}
template <PhysicalMemory M> void AddressSpace<M>::unlock_after_panic() { lock_.unlock(); }

template <PhysicalMemory M> Explanation AddressSpace<M>::explain(Virt address, u64 fault_code) {
    Explanation what;
    what.address = address;
    if (explain_by_value(what)) return what;
    const bool mine = lock_.held_by_me();
    const bool locked = !mine && lock_for_panic();
    if (!mine && !locked) {
        what.set(wild_access, "unknown: another core holds the address space's lock");
        return what;
    }
    auto explained = lookup_.explain(what, fault_code);
    if (locked) unlock_after_panic();
    if (!explained.ok()) {
        rstate::handled(std::move(explained));
        what.has_range = false;
        what.set(wild_access, "unknown: the tables could not be walked");
    }
    return what;
}

} // namespace mm
