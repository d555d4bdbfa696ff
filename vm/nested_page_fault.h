// vm/nested_page_fault.h — GuestMemory: what a nested page fault does: share, copy on write, fault around.
// Part of guest_memory.h.
//
// APM vol 2 §15.25.6 "Nested versus Guest Page Faults, Fault Ordering": a nested fault is a matter of the
// nested tables alone; the guest's own page faults never come here.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

inline constexpr cpu::TraceSite page_faults{cpu::Phase::moment, "nested-page-fault", "address", "access"};

// A processor may fault once on a cached translation from before an entry gained permissions. More such
// faults in a row, without one that had to change an entry, are a loop.
constexpr u64 max_needless_faults = 16; // chosen

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Fault> GuestMemory<Memory, Frames>::fault(GuestPhys address, Access access) {
    cpu::trace(page_faults, address.value(), static_cast<u64>(access));
    if (address.value() >= size_) return Fault::beyond_memory;
    const Place at(address);
    const Phys leaf_frame = TRY(leaf_of(address), "finding the nested table of a fault", address);
    const SnapshotEntry from = TRY(snapshot_entry(at), "finding what a faulting page holds", address);
    {
        auto leaf = TRY(memory_->pin(leaf_frame), "pinning a nested table for a fault", address);
        const mm::Entry entry = entries(leaf)[at.index];
        if (entry.present() && (access != Access::write || entry.writable())) {
            if (++needless_faults_ > max_needless_faults)
                return FAIL(fault_stays,
                            "the guest faults again and again on an entry that allows the access", address,
                            entry.raw, access);
            return Fault::resolved;
        }
        needless_faults_ = 0;
        ++statistics_.new_pages;
        if (!is_private(at) && (access != Access::write || from.table())) {
            TRY(share(address, leaf, from), "sharing a page with the guest", address);
            TRY(share_around(address, leaf), "sharing the pages behind it", address);
            return Fault::resolved;
        }
    }
    TRY(writable_frame(address), "giving the guest a page to write", address);
    TRY(make_private_around(address), "making the pages behind it private", address);
    return Fault::resolved;
}

// Maps the snapshot's frame read-only. A page table of the guest is mapped writable: the processor treats its
// walks as writes and would fault again and again on a read-only page (§15.25.5 "Nested Table Walk").
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::share(GuestPhys address, Pin &leaf, SnapshotEntry from) {
    const mm::Permissions allowed = from.table() ? mm::read_write_execute : mm::read_execute;
    const Place at(address);
    mm::Entry &entry = entries(leaf)[at.index];
    CHECK(!entry.present(), "a page becomes shared only from absent, so no translation needs a flush",
          address);
    entry = mm::NestedFormat::leaf(source(at, from), allowed, mm::Cache::write_back);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::copy_of(Place at, SnapshotEntry from) {
    mm::OwnedFrame copy(*frames_, TRY(allocate_page(), "allocating a frame for a private page"), owner());
    TRY(restore(copy.get(), at, from), "copying a page at its first write", from.frame());
    return copy.release();
}

// Copy on write. The page counts as dirty: the caller is about to write it.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<Phys> GuestMemory<Memory, Frames>::make_private(GuestPhys address) {
    const Place at(address);
    const Phys leaf_frame = TRY(leaf_of(address), "finding the nested table of a private page", address);
    const SnapshotEntry from = TRY(snapshot_entry(at), "finding what a page holds", address);
    mm::OwnedFrame copy(*frames_, TRY(copy_of(at, from), "copying a page", address), owner());
    auto leaf = TRY(memory_->pin(leaf_frame), "pinning a nested table to map a page", address);
    mm::Entry &entry = entries(leaf)[at.index];
    epoch_ += entry.present(); // cached translations still read the shared frame
    entry = mm::NestedFormat::leaf(copy.get(), mm::read_write_execute, mm::Cache::write_back);
    entry.raw |= mm::Entry::Accessed::mask | mm::Entry::Dirty::mask;
    regions_[at.region].private_bits[at.index / 64] |= Region::bit(at.index);
    ++private_count_;
    add_cold(at.region);
    return copy.release();
}

// Calls visit(address) for the pages behind `address`: at most fault_around_, within the same nested table.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
template <class Visit>
rstate::Result<void> GuestMemory<Memory, Frames>::each_behind(GuestPhys address, Visit &&visit) {
    if (snapshot_ == nullptr) return rstate::done();
    GuestPhys page = address.page();
    for (u32 i = 0; i < fault_around_; ++i) {
        page += page_size;
        if (page.value() >= size_ || is_aligned(page.value(), region_size)) return rstate::done();
        TRY(visit(page), "mapping a page ahead of its fault", page);
    }
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::share_around(GuestPhys address, Pin &leaf) {
    return each_behind(address, [&](GuestPhys page) -> rstate::Result<void> {
        if (!entries(leaf)[Place(page).index].empty()) return rstate::done();
        const SnapshotEntry from = TRY(snapshot_entry(Place(page)), "finding what a page behind holds", page);
        return share(page, leaf, from);
    });
}

// Copies ahead only memory that the target had not used before the snapshot, such as a growing heap: a page
// that it had used is written in most cases or in none. Not when frames are short: pages copied ahead would
// be evicted again.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> GuestMemory<Memory, Frames>::make_private_around(GuestPhys address) {
    if (reserve_count_ != 0 || private_count_ + fault_around_ > page_limit_) return rstate::done();
    return each_behind(address, [&](GuestPhys page) -> rstate::Result<void> {
        const Place at(page);
        const SnapshotEntry from = TRY(snapshot_entry(at), "finding what a page behind holds", page);
        if (is_private(at) || (from.present() && !from.pattern())) return rstate::done();
        TRY(make_private(page), "copying a page ahead of its first write", page);
        auto leaf =
            TRY(memory_->pin(regions_[at.region].leaf), "pinning a nested table to mark a page clean", page);
        entries(leaf)[at.index].raw &= ~mm::Entry::Dirty::mask; // not written yet: rule 8 holds
        return rstate::done();
    });
}

} // namespace vm
