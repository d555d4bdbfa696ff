// tests/sim/memory.h — simulated physical memory: a frame's bytes are reachable only while it is pinned, and
// a stale pointer faults, as on the machine.
//
// It is a PhysicalMemory and a FrameAllocator. As an allocator it knows every frame's owner: freeing what is
// not owned or still pinned, freeing under another owner, and pinning a freed frame abort. Code under test
// that brings its own allocator uses the pins alone.
#pragma once

#include <mutex>
#include <vector>

#include "mm/physical.h"

namespace sim {

class SimMemory {
  public:
    // strict: each pin is a mapping of its own, gone with the pin. quick: pins point into one lasting
    // mapping, for millions of operations.
    enum class Mode { strict, quick };

    explicit SimMemory(u64 frames, Phys first = Phys(0x200000), Mode mode = Mode::strict);
    ~SimMemory();
    SimMemory(const SimMemory &) = delete;

    class Pin {
      public:
        Pin(SimMemory *memory, u8 *bytes, u64 number) : memory_(memory), bytes_(bytes), number_(number) {}
        Pin(Pin &&other) : memory_(other.memory_), bytes_(other.bytes_), number_(other.number_) {
            other.bytes_ = nullptr;
        }
        Pin &operator=(Pin &&other);
        ~Pin() { release(); }
        u8 *bytes() { return bytes_; }

      private:
        void release();
        SimMemory *memory_;
        u8 *bytes_;
        u64 number_; // of the frame
    };

    rstate::Result<Pin> pin(Phys page);
    rstate::Result<Phys> allocate(mm::Owner owner);
    void free(Phys frame, mm::Owner owner);
    void free_all(Span<const Phys> frames, mm::Owner owner) {
        for (const Phys frame : frames) free(frame, owner);
    }

    // At most so many frames allocated and pins held at once.
    void limit_frames(u64 count) { frame_limit_ = count; }
    void limit_pins(u64 count) { pin_limit_ = count; }
    // `n` more pins and allocations succeed, then one fails; after it they succeed again.
    void fail_after(u64 n) { fail_after_ = n; }
    void never_fail() { fail_after_ = ~0ul; }
    // Pins and allocations so far: each is a step that can fail.
    u64 steps() const { return __atomic_load_n(&steps_, __ATOMIC_RELAXED); }
    bool failed() const { return fail_after_ == ~0ul; } // whether the planned failure has happened

    u64 frames() const { return owners_.size(); }
    u64 used() const;
    u64 used(mm::Owner owner) const;
    u64 pins() const { return __atomic_load_n(&pins_, __ATOMIC_RELAXED); }
    Phys first() const { return first_; }
    bool holds(Phys p) const { return p >= first_ && p < first_ + frames() * page_size; }

    // The bytes behind the tests' own checks and the simulated processor's walks; no pin, no failure.
    u8 *peek(Phys page);
    // Another address for a frame, for windows; returns nothing, replaces what was mapped there.
    void map_at(u8 *address, Phys page);
    static void unmap_at(u8 *address, u64 bytes);

  private:
    bool planned_failure();

    int file_;
    Phys first_;
    Mode mode_;
    u8 *all_; // every frame, for peek and quick pins
    u64 frame_limit_ = ~0ul, pin_limit_ = ~0ul;
    u64 fail_after_ = ~0ul;
    u64 pins_ = 0, steps_ = 0;
    bool allocates_ = false; // whether `allocate` was ever used
    u64 next_ = 0;
    std::vector<mm::Owner> owners_;
    std::vector<u32> pinned_; // times, by frame
    std::vector<u64> free_;
    mutable std::mutex mutex_;
};
static_assert(mm::PhysicalMemory<SimMemory> && mm::FrameAllocator<SimMemory>);

} // namespace sim

using sim::SimMemory;
