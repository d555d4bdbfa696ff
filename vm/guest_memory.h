// vm/guest_memory.h — a guest's physical memory: nested page tables, copy on write, dirty page restore.
//
// A page is in one of three states:
//
//   absent --read--> shared, read-only --write--> private, writable --reset--> private, clean
//      \_____________________write______________/      \--evict--> absent
//
// A shared page maps a frame of the snapshot, or what memory holds that has never been written: the one zero
// frame, and in one range of pages the one fill frame (set_fill). The first write copies it into a private
// frame, and it stays private. From then on a case writes it without a fault, the processor sets the dirty
// bit of its nested entry, and a reset copies back exactly the private pages whose dirty bit is set. The
// reset finds them through per-region bitmaps in address order: each nested table is pinned once, and no
// entry of a page that is not private is read.
//
// Before the snapshot private pages are what the snapshot will share. Memory that is never touched costs one
// pointer for each 2 MiB.
// One core owns the object. Every change of a present entry raises `epoch`: older translations must be
// flushed (APM vol 2 §15.16.1 "TLB Flush").
//
// Four encodings describe a page, so that each question is one load:
//
//   the nested entry    for the processor: frame, writable, dirty
//   private_bits        the frame belongs to this machine
//   hot                 slot of the page in HotPages, plus one; 0: not hot
//   cold and active_    number of private pages that are not hot; one bit for each region with any
//
// Their rules, which check_invariants() (vm/guest_memory_invariants.h) verifies in host tests:
//
//   1. A page that is private or hot has a leaf table.
//   2. A private page is present. From the snapshot on it is writable.
//   3. A mapped page that is not private maps the snapshot's frame, or else the zero or fill frame,
//      read-only; only a page table of the guest is mapped writable (§15.25.5 "Nested Table Walk": walks
//      write it).
//   4. hot implies private, and the slot points back at the page.
//   5. cold = private pages - hot pages, for each region.
//   6. A region is active if and only if cold > 0; a bit of active_words_ is set if and only if a region of
//      that word is active.
//   7. private_count_ is the number of private pages of all regions.
//   8. From the snapshot on, a private page that is not dirty has the bytes of the snapshot.
//   9. From the snapshot on, private pages and reserved frames together stay within the page limit.
#pragma once

#include "base/hash.h"
#include "base/span.h"
#include "cpu/ops.h"
#include "cpu/trace.h"
#include "mm/allocator.h"
#include "mm/formats.h"
#include "mm/frame_batch.h"
#include "mm/owned_frame.h"
#include "mm/page_table.h"
#include "mm/physical.h"
#include "vm/codes.h"
#include "vm/hot_pages.h"
#include "vm/outcome.h"
#include "vm/region_table.h"
#include "vm/snapshot.h"

namespace vm {

static_assert(sizeof(Region::hot[0]) == 1 && max_hot_pages < 0xFF, "a slot plus one fits Region::hot");
static_assert(pages_per_region == page_size / sizeof(mm::Entry), "a region is what one leaf table maps");
static_assert(max_regions / 64 <= 64, "one word has a bit for each word of the active regions");

enum class Fault : u8 { resolved, beyond_memory };

// How many pages a machine evicts at once when frames run short: few enough that the next case does not fault
// for all of them again, many enough that not every new page starts another search.
constexpr u32 reserve_capacity = 32; // chosen

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> class GuestMemory final {
  public:
    using Pin = typename Memory::Pin;
    using Table = mm::PageTable<mm::NestedFormat, Memory>;

    static rstate::Result<GuestMemory> make(Memory &memory, Frames &frames, const mm::Allocator &heap,
                                            u64 size);
    GuestMemory(GuestMemory &&other);
    GuestMemory &operator=(GuestMemory &&) = delete;
    ~GuestMemory();

    u64 size() const { return size_; }
    Phys root() const { return table_.root(); }
    const Table &nested_table() const { return table_; }
    u64 epoch() const { return epoch_; }
    const Snapshot *snapshot() const { return snapshot_; }
    Statistics &statistics() { return statistics_; }
    const Statistics &statistics() const { return statistics_; }

    // Resolves a nested page fault of the guest: maps the page, or copies it for a write.
    rstate::Result<Fault> fault(GuestPhys address, Access access);

    rstate::Result<void> read(GuestPhys from, MutableBytes out) {
        return view(from, out.size(), [&](u64 offset, Bytes piece) {
            __builtin_memcpy(out.data() + offset, piece.data(), piece.size());
        });
    }
    rstate::Result<void> write(GuestPhys to, Bytes data);
    template <class Visit> rstate::Result<void> view(GuestPhys from, u64 length, Visit &&visit);

    // Before anything uses these pages: memory there holds `byte` until it is written, not zero. One range.
    rstate::Result<void> set_fill(GuestPhys first, u64 pages, u8 byte);
    rstate::Result<void> protect_tables(GuestPhys first, u64 pages);
    rstate::Result<void> attach(const Snapshot &snapshot);
    rstate::Result<void> reset();
    // Frees the frames of at most `wanted` private pages that this case has not written; returns how many.
    u64 evict(u64 wanted);
    u64 private_pages() const { return private_count_; }
    // From the snapshot on the machine never has more private pages: a case that writes more fails with
    // out_of_memory, whatever the other machines use, and the next case can run.
    void set_page_limit(u64 pages) { page_limit_ = pages; }
    // From the snapshot on a fault also maps this many pages behind the faulting one: memory is mostly used
    // upwards, and a fault costs more than a page.
    void set_fault_around(u32 pages) { fault_around_ = pages; }
    rstate::Result<u64> digest(const ProcessorState &processor);
    // Of what this case has changed so far: the registers, and the pages that differ from the snapshot.
    rstate::Result<u64> digest_of_changes(const ProcessorState &processor);
    // Verifies the rules above. For tests: it reads every entry of every region.
    rstate::Result<void> check_invariants();

  private:
    template <mm::PhysicalMemory, mm::FrameAllocator> friend class SnapshotTaker;

    // The walker allocates nested tables through this: it evicts pages when no frame is free.
    struct EvictingFrames {
        GuestMemory &machine;
        rstate::Result<Phys> allocate(mm::Owner owner) { return machine.allocate_frame(owner); }
        void free(Phys frame, mm::Owner owner) { machine.frames_->free(frame, owner); }
        void free_all(Span<const Phys> frames, mm::Owner owner) { machine.frames_->free_all(frames, owner); }
    };

    struct Place {
        u64 region, index;
        Place(u64 r, u64 i) : region(r), index(i) {}
        explicit Place(GuestPhys a)
            : region(a.value() / region_size), index(a.frame_number() % pages_per_region) {}
    };

    GuestMemory(Memory &memory, Frames &frames, const mm::Allocator &heap, RegionTable &&regions, u64 size)
        : memory_(&memory), frames_(&frames), heap_(heap), regions_(std::move(regions)),
          table_(memory, Phys()), size_(size) {}

    bool inside(GuestPhys from, u64 length) const {
        return from.value() <= size_ && length <= size_ - from.value();
    }
    mm::Owner owner() const { return snapshot_ != nullptr ? mm::Owner::guest_private : mm::Owner::snapshot; }
    static mm::Entry *entries(Pin &leaf) { return reinterpret_cast<mm::Entry *>(leaf.bytes()); }
    // A private page became cold, or is no longer cold: rules 5 and 6.
    void add_cold(u64 region) {
        ++regions_[region].cold, active_[region / 64] |= Region::bit(region);
        active_words_ |= 1ul << region / 64;
    }
    void remove_cold(u64 region) {
        if (--regions_[region].cold != 0) return;
        if ((active_[region / 64] &= ~Region::bit(region)) == 0) active_words_ &= ~(1ul << region / 64);
    }
    bool is_private(Place at) const {
        const Region *region = regions_.find(at.region);
        return region != nullptr && region->is_private(at.index);
    }
    // What a page holds that neither the guest nor the snapshot has written.
    bool is_filled(Place at) const {
        return at.region * pages_per_region + at.index - fill_first_ < fill_pages_;
    }
    Phys untouched(Place at) const { return is_filled(at) ? fill_ : zero_; }
    Phys source(Place at, SnapshotEntry from) const { return from.present() ? from.frame() : untouched(at); }
    template <class Visit> rstate::Result<void> for_active(Visit &&visit);
    HotPage<Pin> *hot_page(Place at) {
        const Region *region = regions_.find(at.region);
        const u32 slot = region != nullptr ? region->hot[at.index] : 0;
        return slot != 0 ? &hot_[slot - 1] : nullptr;
    }
    void promote(u64 number, u64 index, Phys frame, SnapshotEntry from);
    rstate::Result<HotPage<Pin>> pin_hot(u64 number, u64 index, Phys frame, SnapshotEntry from);
    void demote(u32 slot);

    rstate::Result<Phys> allocate_frame(mm::Owner owner);
    rstate::Result<Phys> allocate_page();
    template <class Take> u64 evict_pages(u64 wanted, Take &&take);
    bool fill_reserve();
    rstate::Result<Region *> use_region(u64 number);
    rstate::Result<Phys> leaf_of(GuestPhys address);
    rstate::Result<SnapshotEntry> snapshot_entry(Place place);
    rstate::Result<Phys> copy_of(Place at, SnapshotEntry from);
    rstate::Result<void> share(GuestPhys address, Pin &leaf, SnapshotEntry from);
    rstate::Result<Phys> make_private(GuestPhys address);
    template <class Visit> rstate::Result<void> each_behind(GuestPhys address, Visit &&visit);
    rstate::Result<void> share_around(GuestPhys address, Pin &leaf);
    rstate::Result<void> make_private_around(GuestPhys address);
    rstate::Result<Phys> writable_frame(GuestPhys address);
    rstate::Result<Phys> frame_of(GuestPhys address);
    rstate::Result<void> reset_region(u64 number);
    rstate::Result<void> restore(Phys frame, Place at, SnapshotEntry from);
    void count_restored(u64 pages);
    rstate::Result<void> digest_region(u64 number, const u64 (&untouched_hashes)[2], Xxh64 &hash);
    rstate::Result<void> add_change(Place at, Phys frame, Xxh64 &hash);
    rstate::Result<void> hash_page(Phys frame, u64 &hash);
    rstate::Result<u32> check_region(u64 number);
    rstate::Result<void> check_active_words();
    rstate::Result<void> check_private(Place at, mm::Entry entry, SnapshotEntry from);
    rstate::Result<void> check_shared(Place at, mm::Entry entry, SnapshotEntry from);
    rstate::Result<bool> equals(Phys frame, Phys source);

    Memory *memory_;
    Frames *frames_;
    mm::Allocator heap_;
    RegionTable regions_;
    Table table_;
    bool has_table_ = false;
    Phys zero_, fill_;                    // fill_: only with a range
    u64 fill_first_ = 0, fill_pages_ = 0; // the range, in pages
    u8 fill_byte_ = 0;
    u64 size_;
    const Snapshot *snapshot_ = nullptr;
    HotPages<Pin> hot_;
    u64 active_[max_regions / 64] = {}; // regions with cold pages
    u64 active_words_ = 0;              // the words of active_ that are not 0
    u64 epoch_ = 1;
    u32 fault_around_ = 0;
    u64 private_count_ = 0;
    u64 page_limit_ = max_memory / page_size;
    u64 evict_hand_ = 0; // the region where the next eviction begins, as in a clock algorithm
    // Frames of evicted pages, for this machine's next private pages. They never pass to another machine, so
    // no other core has to drop translations of them.
    Phys reserve_[reserve_capacity];
    u32 reserve_count_ = 0;
    u64 needless_faults_ = 0;
    Statistics statistics_;
};

} // namespace vm

#include "vm/dirty_page_restore.h"
#include "vm/guest_memory_digest.h"
#include "vm/guest_memory_pages.h"
#include "vm/nested_page_fault.h"
#include "vm/page_eviction.h"
