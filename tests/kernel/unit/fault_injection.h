// tests/kernel/unit/fault_injection.h — the kernel's memory, frames, heap and processor as a test hands them
// on: what can fail in them is counted, and the n-th point of one kind fails, once.
#pragma once

#include "kernel/world.h"
#include "svm/vmcb_audit.h"

namespace kernel {

// What can fail: a pin through the window, a frame, a block of the heap, an entry into a guest.
enum class Point : u8 { pin, frame, block, entry, count_ };
constexpr u32 point_kinds = static_cast<u32>(Point::count_);

class FailurePlan final {
  public:
    constexpr FailurePlan() = default;
    static FailurePlan of(Point kind, u64 n) {
        FailurePlan plan;
        plan.kind_ = kind, plan.left_ = n, plan.planned_ = true;
        return plan;
    }

    // True when this point is to fail.
    bool meets(Point kind) {
        if (!open_) return false;
        ++met_[static_cast<u32>(kind)];
        if (!planned_ || kind != kind_ || left_-- != 0) return false;
        planned_ = false, happened_ = true;
        return true;
    }
    bool happened() const { return happened_; }
    u64 met(Point kind) const { return met_[static_cast<u32>(kind)]; }

    // Points count from here on, or no longer: whoever gives something back has nowhere to fail to.
    void open() { open_ = true; }
    void close() { open_ = false; }

  private:
    Point kind_ = Point::pin;
    u64 left_ = 0;
    u64 met_[point_kinds] = {};
    bool planned_ = false, happened_ = false, open_ = false;
};

// One for all: a machine makes its conscience itself, so nothing can be handed to that.
inline constinit FailurePlan plan;

class PlannedMemory final {
  public:
    using Pin = Windows::Pin;
    rstate::Result<Pin> pin(Phys page) {
        if (plan.meets(Point::pin)) return FAIL(mm::no_slot, "this pin is planned to fail", page);
        return world->windows.pin(page);
    }
};
static_assert(mm::PhysicalMemory<PlannedMemory>);

class PlannedFrames final {
  public:
    rstate::Result<Phys> allocate(mm::Owner owner) {
        if (plan.meets(Point::frame)) return FAIL(mm::out_of_frames, "this frame is planned to fail", owner);
        return world->frames.allocate(owner);
    }
    void free(Phys frame, mm::Owner owner) { world->frames.free(frame, owner); }
    void free_all(Span<const Phys> frames, mm::Owner owner) { world->frames.free_all(frames, owner); }
};
static_assert(mm::FrameAllocator<PlannedFrames>);

inline constexpr mm::Allocator planned_heap{
    nullptr,
    [](void *, u64 size, u64 alignment, mm::AllocationSite site) -> rstate::Result<u8 *> {
        if (plan.meets(Point::block))
            return FAIL(mm::out_of_frames, "this block is planned to fail", site.type, size);
        return world->allocator.allocate_bytes(world->allocator.context, size, alignment, site);
    },
    [](void *, u8 *block, u64 size) { world->allocator.free_bytes(world->allocator.context, block, size); }};

// Makes the processor itself refuse the entry, behind all checks of ours. The machine, which lives at least
// until it is tried again, must be mended before: QEMU writes the host's state into a VMCB that it refuses.
class PlannedEntries final {
  public:
    rstate::Result<void> before_entry(svm::Vmcb &vmcb, u64) {
        vmcb.control.clean_bits = 0; // the processor must look at what changes here
        if (!plan.meets(Point::entry)) return rstate::done();
        refused_ = &vmcb, before_ = vmcb;
        vmcb.control.intercepts2 &= ~static_cast<u32>(svm::Intercept2::Vmrun::mask);
        return rstate::done();
    }
    void after_exit(const svm::Vmcb &) {}

    static void mend() {
        if (refused_ != nullptr) *refused_ = before_;
        refused_ = nullptr;
    }

  private:
    static inline constinit svm::Vmcb *refused_ = nullptr;
    static inline constinit svm::Vmcb before_ = {};
};

} // namespace kernel
