// vm/snapshot.h — the state that every machine, on every core, starts each case from.
//
// Pages lie in frames that are shared read-only. They are found through one table of 512 entries for each
// 2 MiB region of guest memory, made only for regions that hold something. A page without an entry is zero.
//
//   guest page number   | region | index |      tables_[region] -> frame of 512 entries -> frame of the page
//                         63 .. 9  8 .. 0
//
// The one who takes it fills it; afterwards nobody changes it, so machines read it without a lock. It must
// outlive every machine that is attached, and goes back to the frames of the core that took it.
#pragma once

#include "base/addr.h"
#include "base/bits.h"
#include "base/span.h"
#include "mm/physical.h"
#include "rstate/result.h"
#include "vm/registers.h"

namespace vm {

constexpr u64 pages_per_region = 512;
constexpr u64 region_size = pages_per_region * page_size;
// What the bitmap of active regions has room for.
constexpr u64 max_regions = 2048;
constexpr u64 max_memory = max_regions * region_size;

constexpr u64 regions_for(u64 memory_size) { return align_up(memory_size, region_size) / region_size; }

// One page's place in the snapshot, and what else is known of it.
struct SnapshotEntry {
    u64 raw = 0;
    using Present = Bits<0>;
    using Table = Bits<1>;   // a page table of the guest: writable by the processor's walks, never restored
    using Pattern = Bits<2>; // the frame holds one repeated word and serves many pages
    using Frame = Bits<51, 12>;

    static SnapshotEntry of(Phys frame) { return {frame.value() | Present::mask}; }
    bool present() const { return Present::test(raw); }
    Phys frame() const { return Phys(raw & Frame::mask); }
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

class Snapshot final {
  public:
    // One element for each region of the machine's memory (regions_for), all zero; the caller keeps them.
    explicit Snapshot(Span<u64> tables) : tables_(tables) {}
    Snapshot(const Snapshot &) = delete;
    Snapshot &operator=(const Snapshot &) = delete;

    bool taken() const { return memory_size_ != 0; }
    u64 memory_size() const { return memory_size_; }
    u64 digest() const { return digest_; }
    u64 pages() const { return pages_; }                 // that have content of their own
    u64 pattern_pages() const { return pattern_pages_; } // that share a frame of one repeated word
    const ProcessorState &processor() const { return processor_; }

    // The table of a region, or no frame (0) where everything is zero.
    Phys table(u64 region) const { return Phys(tables_[region]); }
    Phys zero_frame() const { return zero_frame_; }

  private:
    template <mm::PhysicalMemory, mm::FrameAllocator> friend class GuestMemory;
    template <mm::PhysicalMemory, mm::FrameAllocator> friend class SnapshotTaker;

    Span<u64> tables_;
    u64 memory_size_ = 0;
    u64 digest_ = 0;
    u64 pages_ = 0;
    u64 pattern_pages_ = 0;
    Phys zero_frame_;
    ProcessorState processor_;
};

} // namespace vm
