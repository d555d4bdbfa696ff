// vm/snapshot.h — the state that every machine, on every core, starts each case from.
//
// Pages lie in frames that are shared read-only. They are found through one table of 512 entries for each
// 2 MiB region of guest memory, made only for regions that hold something. A page without an entry is zero.
//
//   guest page number   | region  | index |     tables_[region] -> frame of 512 entries -> frame of the page
//                        51 .. 9   8 .. 0
//
// The one who takes it fills it (vm/snapshot_taker.h); afterwards nobody changes it, so machines read it
// without a lock. It must outlive every machine that is attached.
#pragma once

#include "base/addr.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/span.h"
#include "mm/allocator.h"
#include "mm/physical.h"
#include "rstate/result.h"
#include "vm/registers.h"

namespace vm {

constexpr u64 pages_per_region = 512;
constexpr u64 region_size = pages_per_region * page_size;
// What a machine's bitmap of active regions has room for.
constexpr u64 max_regions = 2048;
constexpr u64 max_memory = max_regions * region_size;

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

// The x87 and SSE registers as FXSAVE writes them.
struct alignas(16) VectorState {
    u8 bytes[512] = {};
};

// The state of a processor besides memory. `hidden` is what else the backend must restore: segments and
// their like, in the backend's own order.
struct ProcessorState {
    Registers registers;
    SystemRegisters system;
    VectorState vectors;
    u64 hidden[16] = {};
};

// Everything of it that two equal states have in common; FXSAVE leaves some of its area unwritten.
void add_to(Xxh64 &hash, const ProcessorState &processor);

class Snapshot final {
  public:
    Snapshot() = default;
    Snapshot(const Snapshot &) = delete;
    Snapshot &operator=(const Snapshot &) = delete;
    bool taken() const { return memory_size_ != 0; }
    u64 memory_size() const { return memory_size_; }
    u64 digest() const { return digest_; }
    u64 pages() const { return pages_; }                 // with a frame of their own
    u64 pattern_pages() const { return pattern_pages_; } // sharing a frame, or nothing when all is zero
    const ProcessorState &processor() const { return processor_; }

    u64 regions() const { return tables_.size(); }
    // The table of a region, or 0 where every page is zero.
    Phys table(u64 region) const { return Phys(tables_[region]); }

    // Gives every frame back to the frames of the core that took it; no machine may be attached any more.
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
