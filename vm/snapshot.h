// vm/snapshot.h — the state that every machine, on every core, starts each case from.
//
// Pages lie in frames that are shared read-only. They are found through one table of 512 entries for each
// 2 MiB region of guest memory, made only for regions that hold something. A page without an entry is as if
// it had never been written: zero, or what the machine's fill says.
//
//   guest page number   | region  | index |     tables_[region] -> frame of 512 entries -> frame of the page
//                        51 .. 9   8 .. 0
//
// SnapshotTaker fills it (vm/snapshot_taker.h). Afterwards it never changes, so machines on all cores read it
// without a lock. It must outlive every machine that is attached.
#pragma once

#include "base/addr.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/span.h"
#include "mm/allocator.h"
#include "mm/formats.h"
#include "mm/physical.h"
#include "rstate/result.h"
#include "vm/registers.h"

namespace vm {

constexpr u64 pages_per_region = 512;
constexpr u64 region_size = pages_per_region * page_size;
// The size of a machine's bitmap of active regions.
constexpr u64 max_regions = 2048;
constexpr u64 max_memory = max_regions * region_size;
static_assert(pages_per_region % 64 == 0 && max_regions % 64 == 0, "bitmaps are whole words");
static_assert(region_size == 2ul << 20, "a region is what one nested leaf table of 512 entries maps");
static_assert(max_memory == 4ul << 30, "docs/svm.md and the messages say 4 GiB");

// One page's place in the snapshot.
struct SnapshotEntry {
    u64 raw = 0;
    using Present = Bits<0>;
    using Table = Bits<1>;   // a page table of the guest: writable by the processor's walks, never restored
    using Pattern = Bits<2>; // the frame holds one repeated word and serves many pages
    using Frame = Bits<51, 12>;

    static constexpr SnapshotEntry of(Phys frame, u64 flags) {
        return {frame.value() | Present::mask | flags};
    }
    constexpr bool present() const { return Present::test(raw); }
    constexpr bool table() const { return Table::test(raw); }
    constexpr bool pattern() const { return Pattern::test(raw); }
    constexpr Phys frame() const { return Phys(raw & Frame::mask); }
};
static_assert(pages_per_region * sizeof(SnapshotEntry) == page_size, "the table of a region is one frame");
static_assert((SnapshotEntry::Present::mask ^ SnapshotEntry::Table::mask ^ SnapshotEntry::Pattern::mask ^
               SnapshotEntry::Frame::mask) == (SnapshotEntry::Frame::mask | 7),
              "the fields of an entry do not overlap");
static_assert(SnapshotEntry::Frame::mask == mm::Entry::Frame::mask, "both entries name the same frames");

// The x87 and SSE registers as FXSAVE writes them.
struct alignas(16) VectorState {
    u8 bytes[512] = {};
};
// APM vol 2 §11.4.4 "Saving Media and x87 Execution Unit State": FXSAVE and FXRSTOR raise #GP on an unaligned
// image.
static_assert(sizeof(VectorState) == 512 && alignof(VectorState) == 16);

// The state of a processor besides memory. `hidden` is the rest that the backend must restore, such as
// segments, in the backend's own order.
struct ProcessorState {
    Registers registers;
    SystemRegisters system;
    VectorState vectors;
    u64 hidden[16] = {};
};

// Adds all that is equal in two equal states. FXSAVE leaves parts of its area unwritten; those do not count.
void add_to(Xxh64 &hash, const ProcessorState &processor);

// The word that a page of one repeated byte consists of.
constexpr u64 repeated(u8 byte) { return byte * 0x0101'0101'0101'0101ul; }

// A range of pages that hold `byte` until they are written.
struct Fill {
    GuestPhys first;
    u64 pages = 0;
    u8 byte = 0;
};

class Snapshot final {
  public:
    Snapshot() = default;
    Snapshot(const Snapshot &) = delete;
    Snapshot &operator=(const Snapshot &) = delete;
    bool taken() const { return memory_size_ != 0; }
    u64 memory_size() const { return memory_size_; }
    u64 digest() const { return digest_; }
    u64 pages() const { return pages_; }                 // each in a frame that no other page uses
    u64 pattern_pages() const { return pattern_pages_; } // share a frame, or need none when all zero
    const ProcessorState &processor() const { return processor_; }
    const Fill &fill() const { return fill_; }

    u64 regions() const { return tables_.size(); }
    // The table of a region, or 0 where no page has an entry.
    Phys table(u64 region) const { return Phys(tables_[region]); }

    // Frees every frame. No machine may be attached any more.
    template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
    rstate::Result<void> release(Memory &memory, Frames &frames);

  private:
    template <mm::PhysicalMemory, mm::FrameAllocator> friend class SnapshotTaker;

    struct Pattern {
        u64 word = 0;
        Phys frame;
    };
    static constexpr u32 max_patterns = 8; // zero, red zones, fills: a target has few

    mm::OwnedArray<u64> tables_;
    Pattern patterns_[max_patterns];
    u32 pattern_count_ = 0;
    u64 memory_size_ = 0;
    u64 digest_ = 0;
    u64 pages_ = 0;
    u64 pattern_pages_ = 0;
    Fill fill_;
    ProcessorState processor_;
};

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
rstate::Result<void> Snapshot::release(Memory &memory, Frames &frames) {
    for (u64 &table : tables_) {
        if (table == 0) continue;
        {
            auto pin = TRY(memory.pin(Phys(table)), "pinning a snapshot's table to free its pages", table);
            u64 *entries = reinterpret_cast<u64 *>(pin.bytes());
            for (u64 i = 0; i < pages_per_region; ++i) {
                const SnapshotEntry entry{entries[i]};
                if (entry.present() && !entry.pattern()) frames.free(entry.frame(), mm::Owner::snapshot);
                entries[i] = 0;
            }
        }
        frames.free(Phys(table), mm::Owner::snapshot);
        table = 0;
    }
    for (u32 i = 0; i < pattern_count_; ++i) frames.free(patterns_[i].frame, mm::Owner::snapshot);
    pattern_count_ = 0;
    memory_size_ = 0;
    return rstate::done();
}

} // namespace vm
