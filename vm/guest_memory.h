// vm/guest_memory.h — a guest's physical memory: nested tables, shared pages, pages of its own, and the
// reset.
//
// A page is in one of these states; arrows are what moves it on:
//
//   absent --read--> shared, read-only --write--> own, writable --reset--> own, clean again
//      \_____________________write______________/      \--shed--> absent
//
// Shared frames are the snapshot's (or one zero frame). A page becomes the machine's own by a copy at its
// first write and stays so: from then on a case writes it without a fault, the processor sets the dirty bit
// of its nested entry, and a reset copies back exactly the own pages whose dirty bit is set. They are found
// in per-region bitmaps, in address order, so that each nested table is pinned once; no other entry is looked
// at.
//
// Before there is a snapshot an absent page is zero and own pages are what the snapshot will share.
// Owned by one core. Every change of a present entry raises `epoch`: older translations must be flushed.
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
#include "vm/snapshot.h"

namespace vm {

// What one nested table of the last level maps, and what we know of its pages.
struct Region {
    static constexpr u64 words = pages_per_region / 64;
    u64 own[words] = {};           // pages in frames of this machine's own
    u64 tables[words] = {};        // page tables of the guest: shared even though writable
    Phys leaf;                     // the nested table; 0 until the first page
    u32 cold = 0;                  // own pages that are not in the list of hot ones
    u8 hot[pages_per_region] = {}; // a page's place in that list, plus one; 0: not there

    static constexpr u64 bit(u64 index) { return 1ul << (index % 64); }
    bool is_own(u64 index) const { return (own[index / 64] & bit(index)) != 0; }
    bool is_table(u64 index) const { return (tables[index / 64] & bit(index)) != 0; }
    bool has_own() const {
        u64 any = 0;
        for (const u64 word : own) any |= word;
        return any != 0;
    }
};

enum class Fault : u8 { resolved, beyond_memory };

// How many pages a machine parts with at once when frames run short: few enough that the case after does not
// fault for all of them again, many enough that not every new page looks for some.
constexpr u32 spare_capacity = 32; // chosen

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> class GuestMemory final {
  public:
    using Pin = typename Memory::Pin;
    using Table = mm::PageTable<mm::NestedFormat, Memory>;

    static rstate::Result<GuestMemory> make(Memory &memory, Frames &frames, const mm::Allocator &heap,
                                            u64 size) {
        if (size == 0 || size > max_memory || !is_aligned(size, page_size))
            return FAIL(bad_options, "a machine's memory is whole pages, at least one, at most 4 GiB", size);
        auto regions = TRY(mm::allocate_array<Region>(heap, align_up(size, region_size) / region_size),
                           "allocating the books of a machine's memory", size);
        GuestMemory made(memory, frames, heap, std::move(regions), size);
        made.hot_ = TRY(HotPages<Pin>::make(heap), "making the list of hot pages");
        made.zero_ =
            TRY(frames.allocate(mm::Owner::guest_private), "allocating the page that stands for zeros");
        {
            auto zero = TRY(memory.pin(made.zero_), "pinning the page that stands for zeros");
            cpu::fill_page(zero.bytes(), 0);
        }
        made.table_ = TRY(Table::make(memory, frames), "making the nested tables");
        made.has_table_ = true;
        return made;
    }
    GuestMemory(GuestMemory &&other);
    GuestMemory &operator=(GuestMemory &&) = delete;
    ~GuestMemory();

    u64 size() const { return size_; }
    Phys root() const { return table_.root(); }
    const Table &nested_table() const { return table_; }
    u64 epoch() const { return epoch_; }
    const Snapshot *snapshot() const { return snapshot_; }
    Spent &spent() { return spent_; }
    const Spent &spent() const { return spent_; }

    // The guest met a nested page fault: give it the page.
    rstate::Result<Fault> fault(GuestPhys address, Access access);

    rstate::Result<void> read(GuestPhys from, MutableBytes out) {
        return view(from, out.size(), [&](u64 offset, Bytes piece) {
            __builtin_memcpy(out.data() + offset, piece.data(), piece.size());
        });
    }
    rstate::Result<void> write(GuestPhys to, Bytes data);
    template <class Visit> rstate::Result<void> view(GuestPhys from, u64 length, Visit &&visit);

    rstate::Result<void> protect_tables(GuestPhys first, u64 pages);
    rstate::Result<void> attach(const Snapshot &snapshot);
    rstate::Result<void> reset();
    // Own pages that this case has not written go back to the frames; how many, at most `wanted`.
    u64 shed(u64 wanted);
    u64 own_pages() const { return own_count_; }
    // From the snapshot on the machine never has more pages of its own: a case that writes more fails with
    // out_of_memory, whatever the other machines do, and the next case can run.
    void set_page_limit(u64 pages) { page_limit_ = pages; }
    // From the snapshot on a fault is answered for so many pages behind the faulting one too: memory is
    // mostly used upwards, and a fault costs more than a page.
    void set_fault_around(u32 pages) { fault_around_ = pages; }
    rstate::Result<u64> digest(const ProcessorState &processor);

  private:
    template <mm::PhysicalMemory, mm::FrameAllocator> friend class SnapshotTaker;

    // Frames for this machine, even if it must part with pages first; what the walker makes tables from.
    struct SheddingFrames {
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

    GuestMemory(Memory &memory, Frames &frames, const mm::Allocator &heap, mm::OwnedArray<Region> &&regions,
                u64 size)
        : memory_(&memory), frames_(&frames), heap_(heap), regions_(std::move(regions)),
          table_(memory, Phys()), size_(size) {}

    bool inside(GuestPhys from, u64 length) const {
        return from.value() <= size_ && length <= size_ - from.value();
    }
    mm::Owner owner() const { return snapshot_ != nullptr ? mm::Owner::guest_private : mm::Owner::snapshot; }
    static mm::Entry *entries(Pin &leaf) { return reinterpret_cast<mm::Entry *>(leaf.bytes()); }
    // An own page joined the cold ones of a region, or left them.
    void joined_cold(u64 region) { ++regions_[region].cold, active_[region / 64] |= Region::bit(region); }
    void left_cold(u64 region) {
        if (--regions_[region].cold == 0) active_[region / 64] &= ~Region::bit(region);
    }
    template <class Visit> rstate::Result<void> for_active(Visit &&visit);
    HotPage<Pin> *hot_page(Place at) {
        const u32 slot = regions_[at.region].hot[at.index];
        return slot != 0 ? &hot_[slot - 1] : nullptr;
    }
    void promote(u64 number, u64 index, Phys own, SnapshotEntry from);
    rstate::Result<HotPage<Pin>> pin_hot(u64 number, u64 index, Phys own, SnapshotEntry from);
    void demote(u32 slot);

    rstate::Result<Phys> allocate_frame(mm::Owner owner);
    rstate::Result<Phys> allocate_page();
    template <class Take> u64 part_with(u64 wanted, Take &&take);
    bool refill();
    rstate::Result<Phys> leaf_of(GuestPhys address);
    rstate::Result<SnapshotEntry> shared(Place place);
    rstate::Result<Phys> copy_of(SnapshotEntry from);
    rstate::Result<void> share(GuestPhys address, Pin &leaf, SnapshotEntry from);
    rstate::Result<Phys> make_own(GuestPhys address);
    template <class Visit> rstate::Result<void> each_behind(GuestPhys address, Visit &&visit);
    rstate::Result<void> share_around(GuestPhys address, Pin &leaf);
    rstate::Result<void> own_around(GuestPhys address);
    rstate::Result<Phys> writable_frame(GuestPhys address);
    rstate::Result<Phys> frame_of(GuestPhys address);
    rstate::Result<void> reset_region(u64 number);
    rstate::Result<void> restore(Phys own, SnapshotEntry from);
    void count_restored(u64 pages);
    rstate::Result<void> digest_region(u64 number, u64 zero_hash, Xxh64 &hash);
    rstate::Result<void> hash_page(Phys frame, u64 &hash);

    Memory *memory_;
    Frames *frames_;
    mm::Allocator heap_;
    mm::OwnedArray<Region> regions_;
    Table table_;
    bool has_table_ = false;
    Phys zero_;
    u64 size_;
    const Snapshot *snapshot_ = nullptr;
    HotPages<Pin> hot_;
    u64 active_[max_regions / 64] = {}; // regions with cold own pages
    u64 epoch_ = 1;
    u32 fault_around_ = 0;
    u64 own_count_ = 0;
    u64 page_limit_ = max_memory / page_size;
    u64 shed_hand_ = 0; // the region where the last shedding stopped
    // Frames of pages that the machine parted with, for its next pages: never another's, so no core has to
    // forget them.
    Phys spare_[spare_capacity];
    u32 spare_count_ = 0;
    u64 needless_faults_ = 0;
    Spent spent_;
};

} // namespace vm

#include "vm/guest_memory_pages.h"
#include "vm/guest_memory_reset.h"
