// mm/address_space.h — the kernel's virtual addresses: ranges at random places, what they map, how they end.
//
// A range lies at a random place (KASLR: all 36 bits above the page offset, both canonical halves), with a
// guard page on either side that is never mapped. Reserving a range writes a random key into its absent
// entries; mapping there needs that key. Every range has a record, which stays for a while after the range is
// freed, so that a page fault can be explained.
//
//   reserve --map, populate--> live --unmap_and_free--> in quarantine --> addresses empty again
//
// unmap_and_free returns when no core can reach the old pages any more; only then their frames serve again.
// One lock covers tables and records; it is not held while a pager runs.
//
//   AddressSpace     the lock and the order of steps      address_space*.h
//   RangeEntries     page-table entries of ranges         range_entries.h
//   EntryRollback    undoes what a failed step filled     entry_rollback.h
//   Records          one record a range                   records.h
//   AddressLookup    from an address to its record        address_lookup.h
//   Quarantine       freed ranges, oldest first           quarantine.h
//   DetachedTables   tables that wait for a shootdown     detached_tables.h
#pragma once

#include "base/atomic.h"
#include "base/random.h"
#include "mm/address_lookup.h"
#include "mm/entry_rollback.h"
#include "mm/owned_frame.h"
#include "mm/quarantine.h"

namespace mm {

// What a range is to be.
struct RangeRequest {
    u64 pages = 0;
    AllocationSite site;
    RangeKind kind = RangeKind::memory;
    Owner owner = Owner::heap; // of the frames that will be mapped there
    Permissions allowed = read_write;
    const Pager *pager = nullptr; // for RangeKind::lazy; lives as long as the range
    u64 block_offset = 0;         // the part that was asked for; all of it when size is 0
    u64 size = 0;
};

template <PhysicalMemory M> class AddressSpace final {
  public:
    static constexpr u64 max_pages = most_range_pages;
    using Table = typename RangeEntries<M>::Table;

    // Over the tables that are in use already. Freed ranges beyond `quarantine_size` leave the quarantine.
    AddressSpace(Frames<M> &frames, TlbShootdown &tlb_shootdown, Phys root, u32 quarantine_size)
        : frames_(frames), tlb_shootdown_(tlb_shootdown), entries_(frames, root), records_(frames),
          lookup_(entries_, records_), quarantine_(records_, quarantine_size) {
        frames.set_reclaim({reclaim, this});
    }
    AddressSpace(const AddressSpace &) = delete;

    // --- making ranges: address_space_reserve.h

    // Addresses and keys are as unpredictable as what was mixed in.
    void mix_entropy(Bytes entropy);
    u64 random_word();
    // A range at a random place, with nothing mapped yet.
    rstate::Result<Range> reserve(const RangeRequest &request);
    // Makes a range of pages that the boot mapped: guard pages and a record. request.owner is the owner of
    // their frames: Owner::boot for what stage2 built, Owner::none for what is no frame.
    rstate::Result<Range> take_over(Virt first, const RangeRequest &request);

    // --- mapping: address_space_map.h

    // Maps one page that is not mapped yet. A frame of a pool belongs to the range from now on.
    rstate::Result<void> map(const Range &range, u64 page, Phys frame, Permissions allowed,
                             Cache cache = Cache::write_back);
    // Maps new frames, each filled with `word`, to all pages of a range that has none. All or none.
    rstate::Result<void> populate(const Range &range, u64 word);
    // Changes what a mapped page allows; returns when no core can use the old permissions.
    rstate::Result<void> protect(const Range &range, u64 page, Permissions allowed);
    // A new range of zeroed memory outside the heap: stacks, per-core data.
    rstate::Result<Range> map_memory(u64 pages, Owner owner, AllocationSite site,
                                     Permissions allowed = read_write);
    // A new range over contiguous physical pages that are no pool's: a device's registers.
    rstate::Result<Range> map_device(Phys first, u64 pages, AllocationSite site,
                                     Permissions allowed = read_write, Cache cache = Cache::uncached);

    // --- freeing: address_space_free.h

    // Ends a range: returns when no core can reach its pages and their frames are free. The range goes into
    // quarantine; its record says who freed it.
    rstate::Result<void> unmap_and_free(const Range &range, const void *freed_from);
    // The heap's way, in two steps: `block` must be the start of a live block of `size` bytes, else the chain
    // says what it is. Between the steps the pages are still mapped, and every other free of the block fails.
    rstate::Result<Range> begin_free(Virt block, u64 size, const void *freed_from);
    void finish_free(const Range &range);
    // Ends a range that was never given out: no quarantine, its record goes at once.
    void release_unused(const Range &range);
    // Empties the quarantine; false when it was empty.
    bool drain_quarantine();

    // --- page faults: address_space_fault.h

    // Demand paging and copy-on-write: gives a lazy range the page that a fault at `address` needs. True: the
    // access can be tried again. False: the access is a bug. The caller holds no lock of memory management.
    rstate::Result<bool> handle_page_fault(Virt address, u64 fault_code);
    // What an address belongs to, for fault handlers and panics: it never waits long for the lock, and says
    // so when it could not look.
    Explanation explain(Virt address, u64 fault_code);

    // Live ranges' records: visit(id, const Record &), under the lock.
    template <class Visit> rstate::Result<void> visit_ranges(Visit &&visit) {
        const cpu::Guard guard(lock_);
        return records_.visit([&](u32 id, const Record &record) {
            if (record.state == RangeState::live) visit(id, record);
        });
    }
    u64 live_ranges() const { return records_.count() - quarantine_.count(); }
    u64 freed_ranges() const { return quarantine_.count(); }
    u32 ranges_made() const { return made_.load(); } // since the start; see made_since
    Table &table() { return entries_.table(); }
    Frames<M> &frames() { return frames_; }

  private:
    // Pages that one shootdown unmaps: the lock is held for so many at most.
    static constexpr u64 segment_pages = ShootdownBatch::most_frames;
    static constexpr u32 leave_together = 4; // ranges that leave the quarantine with one shootdown

    // Called when no frame is free: releases the records and tables of freed ranges. Refuses while this core
    // holds the lock, since it is changing them.
    static bool reclaim(void *self) {
        auto &space = *static_cast<AddressSpace *>(self);
        return !space.lock_.held_by_me() && space.drain_quarantine();
    }

    DetachedTables<M> detached_tables() { return {frames_, tlb_shootdown_}; }
    // The record of a range that is live; with the lock held, or taking it.
    rstate::Result<Record> live_record(const Range &range);
    rstate::Result<Record> record_of(const Range &range);

    rstate::Result<Range> reserve_once(const RangeRequest &request);
    rstate::Result<Virt> random_place(u64 pages);
    rstate::Result<void> fill_guards(const Range &range, EntryRollback<M> &rollback);
    rstate::Result<void> fill_range(const Range &range, AbsentKind kind, DetachedTables<M> &detached);
    rstate::Result<void> guard_and_count(const Range &range, const Record &record,
                                         DetachedTables<M> &detached);
    Record record_for(const Range &range, const RangeRequest &request);

    rstate::Result<OwnedFrame<Frames<M>>> filled_frame(Owner owner, u64 word);
    rstate::Result<void> populate_page(const Range &range, u64 page, const Record &record, u64 word);

    rstate::Result<void> mark_freed(u32 id, Record record, const void *freed_from);
    void unmap_pages(const Range &range, const Record &record, AbsentKind after);
    void unmap_segment(const Range &range, u64 page, u64 count, const Record &record, AbsentKind after);
    void put_in_quarantine(u32 id);
    bool leave_quarantine();
    void drop_range(const Range &range, DetachedTables<M> &detached);

    rstate::Result<bool> page_in(Virt page, const Location &at, const Record &record, bool write);
    rstate::Result<bool> map_shared(Virt page, const Location &at, const Record &record, bool write);
    rstate::Result<bool> fill_and_map(Virt page, Entry before, const Record &record, Phys frame);
    rstate::Result<bool> copy_on_write(Virt page, const Location &at, const Record &record);
    rstate::Result<bool> copy_and_map(Virt page, Entry shared, const Record &record, Phys copy);
    rstate::Result<bool> replace_entry(Virt page, Entry before, Entry after);
    bool lock_for_panic() __attribute__((no_thread_safety_analysis));
    void unlock_after_panic() __attribute__((no_thread_safety_analysis));

    Frames<M> &frames_;
    TlbShootdown &tlb_shootdown_;
    cpu::SpinLock lock_{"mm.address_space", 1};
    RangeEntries<M> entries_;
    Records<M> records_;
    AddressLookup<M> lookup_;
    Quarantine<M> quarantine_;
    KeyedRandom random_;
    Atomic<u32> made_;
};

} // namespace mm

#include "mm/address_space_fault.h"
#include "mm/address_space_free.h"
#include "mm/address_space_map.h"
#include "mm/address_space_reserve.h"
