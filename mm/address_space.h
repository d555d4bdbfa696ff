// mm/address_space.h — the kernel's virtual addresses: where ranges lie, what they map, how they go away.
//
// A range lies at a random place out of all 36 bits above the page offset, both halves, with a guard page of
// its own on either side that nothing can ever map. Reserving writes a key into the range's absent entries;
// mapping there needs that key. Every range has a record, which outlives it for a while, so that a fault can
// be explained.
//
//   reserve --map/back--> live --retire--> freed: entries keep the record --forget--> empty again
//
// Retiring returns when no core can reach the old pages any more, and only then do their frames serve again.
// One lock covers tables and records; it is never held while a pager runs.
#pragma once

#include "base/atomic.h"
#include "base/random.h"
#include "mm/explain.h"
#include "mm/page_table.h"
#include "mm/records.h"
#include "mm/tlb_shootdown.h"

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
    static constexpr u64 max_pages = 1ul << 24; // 64 GiB in one range
    using Table = PageTable<HostFormat, M>;

    // Over the tables that are in use already. At most `remembered` freed ranges keep their records.
    AddressSpace(Frames<M> &frames, TlbShootdown &tlb_shootdown, Phys root, u32 quarantine_size)
        : frames_(frames), tlb_shootdown_(tlb_shootdown), table_(frames.memory(), root), records_(frames),
          quarantine_size_(quarantine_size) {
        frames.set_reclaim({reclaim, this});
    }
    AddressSpace(const AddressSpace &) = delete;

    // Addresses and keys are as unpredictable as what was mixed in.
    void mix_entropy(Bytes entropy);
    u64 random_word();

    // A range of its own at a random place, nothing mapped in it yet.
    rstate::Result<Range> reserve(const RangeRequest &request);
    // Maps one page of a range that has none there. A frame that is no device's belongs to the range from now
    // on.
    rstate::Result<void> map(const Range &range, u64 page, Phys frame, Permissions allowed,
                             Cache cache = Cache::write_back);
    // Maps new frames, each filled with `word`, to all pages of a range that has none. All or none.
    rstate::Result<void> populate(const Range &range, u64 word);

    // Zeroed memory of our own outside the heap: stacks, per-core data.
    rstate::Result<Range> map_memory(u64 pages, Owner owner, AllocationSite site,
                                     Permissions allowed = read_write);
    // Physically consecutive pages that are no frames of ours: a device's registers.
    rstate::Result<Range> map_device(Phys first, u64 pages, AllocationSite site,
                                     Permissions allowed = read_write, Cache cache = Cache::uncached);
    // Takes over pages that the boot mapped: from now on they have guards and a record. request.owner is
    // whose their frames are in the books: Owner::boot for what stage2 built, nobody for what is not a frame.
    rstate::Result<Range> take_over(Virt first, const RangeRequest &request);

    // Changes what a mapped page allows; returns when no core can use the old permissions.
    rstate::Result<void> protect(const Range &range, u64 page, Permissions allowed);

    // Ends a range: returns when no core can reach its pages and their frames are free. Its addresses stay
    // unusable, and its record says who ended it, while it is remembered.
    rstate::Result<void> unmap_and_free(const Range &range, const void *freed_from);
    // The heap's way, in two steps: `block` must be the start of a live block of `size` bytes, else the chain
    // says what it is. Between the steps the pages are mapped still, and every other free of the block is
    // refused.
    rstate::Result<Range> begin_free(Virt block, u64 size, const void *freed_from);
    void finish_free(const Range &range);
    // Ends a range that nobody has used yet, without remembering it.
    void release_unused(const Range &range);
    // Forgets every freed range; true when there was one.
    bool drain_quarantine();

    // Gives a lazy range the page that a fault at `address` needs: true means try again. False: the fault is
    // somebody's mistake. The caller holds no lock of memory management.
    rstate::Result<bool> handle_page_fault(Virt address, u64 fault_code);
    // Says what an address belongs to. For fault handlers and panics: it never waits long for a lock, and
    // says so when it could not look.
    Explanation explain(Virt address, u64 fault_code);

    // Live ranges' records, one after the other: visit(id, const Record &).
    template <class Visit> rstate::Result<void> visit_ranges(Visit &&visit);
    u64 live_ranges() const { return records_.count() - freed_count_; }
    u64 freed_ranges() const { return freed_count_; }
    u32 ranges_made() const { return made_.load(); } // ever, see made_since
    Table &table() { return table_; }
    Frames<M> &frames() { return frames_; }

  private:
    // Entries are retired at most so many at a time, so that a lock is held shortly.
    static constexpr u64 segment_pages = ShootdownBatch::most_frames;
    static constexpr u32 forgotten_together = 4; // with one shoot-down for all

    // Tables that were detached, until no core can have them cached.
    struct Retired {
        static constexpr u32 capacity = 16;
        Phys tables[capacity];
        u32 count = 0;
        ShootdownBatch batch;
        void clear() { count = 0, batch.clear(); }
    };

    // The frames that the dead keep, for whoever finds none left; not while the tables are being changed.
    static bool reclaim(void *self) {
        auto &space = *static_cast<AddressSpace *>(self);
        return !space.lock_.held_by_me() && space.drain_quarantine();
    }

    // Calls visit(pin, index, page) for the level-0 entry of each page; the tables exist.
    template <class Visit> rstate::Result<void> visit_entries(Virt first, u64 pages, Visit &&visit);
    template <class Visit> void must_visit_entries(Virt first, u64 pages, Visit &&visit);

    rstate::Result<Range> reserve_once(const RangeRequest &request);
    rstate::Result<Range> reserve_locked(const RangeRequest &request, Retired &undone);
    rstate::Result<Virt> find_place(u64 pages);
    rstate::Result<bool> is_empty(Virt first, u64 pages);
    rstate::Result<void> write_marks(Virt first, u64 pages, Entry mark, Retired &undone);
    rstate::Result<void> mark_guards(const Range &range, Retired &undone);
    rstate::Result<void> mark_range(const Range &range, AbsentKind kind, Retired &undone);
    void clear_entries(Virt first, u64 pages, Retired &retired);
    void detach_empty_tables(Virt address, Retired &retired);
    void free_retired(Retired &retired);

    Record record_for(const Range &range, const RangeRequest &request);
    rstate::Result<Record> live_record(const Range &range);
    rstate::Result<Record> record_of(const Range &range);
    rstate::Result<Location> reserved_entry(const Range &range, u64 page);
    rstate::Result<void> write_leaf(Location &at, Entry leaf);
    rstate::Result<Phys> filled_frame(Owner owner, u64 word);
    rstate::Result<void> back_page(const Range &range, u64 page, const Record &record, u64 word);
    rstate::Result<void> count_mapped(const Range &range, u64 &counted);
    rstate::Result<void> guard_taken_over(const Range &range, const Record &record, Retired &undone);
    rstate::Result<Range> take_over_locked(Virt first, const RangeRequest &request, Retired &undone);
    rstate::Result<void> mark_freed(u32 id, Record record, const void *freed_from);
    void unmap_pages(const Range &range, const Record &record, AbsentKind after);
    void unmap_segment(const Range &range, u64 page, u64 count, const Record &record, AbsentKind after);
    void remember(u32 id);
    void forget_range(const Range &range, Retired &retired);
    bool forget_oldest(u32 count);

    // The record that an address's entry, or the range around it, leads to; id 0: none. `at` is the entry.
    rstate::Result<u32> record_id_at(Virt address, Location &at);
    rstate::Result<u32> record_id_near(Virt address);
    rstate::Result<void> explain_locked(Explanation &what, u64 fault_code);
    bool lock_for_panic() __attribute__((no_thread_safety_analysis));
    void unlock_after_panic() __attribute__((no_thread_safety_analysis));

    rstate::Result<bool> page_in(Virt page, const Location &at, const Record &record, bool write);
    rstate::Result<bool> fill_and_put(Virt page, Entry before, const Record &record, Phys frame);
    rstate::Result<bool> copy_shared(Virt page, const Location &at, const Record &record);
    rstate::Result<bool> copy_and_put(Virt page, Entry shared, const Record &record, Phys copy);
    rstate::Result<bool> put_page(Virt page, Entry before, Entry after);

    Frames<M> &frames_;
    TlbShootdown &tlb_shootdown_;
    cpu::SpinLock lock_{"mm.address_space", 1};
    Table table_;
    Records<M> records_;
    KeyedRandom random_;
    u32 quarantine_size_;
    u32 oldest_freed_ = 0, newest_freed_ = 0; // ids, 0: none
    u64 freed_count_ = 0;
    Atomic<u32> made_;
};

} // namespace mm

#include "mm/address_space_end.h"
#include "mm/address_space_fault.h"
#include "mm/address_space_impl.h"
