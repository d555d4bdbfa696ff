// tests/kernel/unit/fault_injection.h — fault injection: the kernel's pins, frames, heap blocks and guest
// entries as a test passes them on. The injector counts these failure points, and the n-th point of one kind
// fails, once.
#pragma once

#include "kernel/world.h"
#include "svm/vmcb_audit.h"

namespace kernel {

// The kinds of failure points: a pin of a frame, an allocated frame, an allocated heap block, a guest entry.
enum class FailurePoint : u8 { pin, frame, block, entry, count_ };
constexpr u32 failure_point_kinds = static_cast<u32>(FailurePoint::count_);

class FaultInjector final {
  public:
    constexpr FaultInjector() = default;
    // Fails at the n-th point of this kind, counted from 0.
    static FaultInjector at(FailurePoint kind, u64 n) {
        FaultInjector injector;
        injector.kind_ = kind, injector.left_ = n, injector.armed_ = true;
        return injector;
    }

    // Every failure point calls it; true when the point has to fail.
    bool fails(FailurePoint kind) {
        if (!enabled_) return false;
        ++counts_[static_cast<u32>(kind)];
        if (!armed_ || kind != kind_ || left_-- != 0) return false;
        armed_ = false, injected_ = true;
        return true;
    }
    bool injected() const { return injected_; }
    u64 count(FailurePoint kind) const { return counts_[static_cast<u32>(kind)]; }

    // Failure points count from here on, or no longer: code that releases something cannot fail.
    void enable() { enabled_ = true; }
    void disable() { enabled_ = false; }

  private:
    FailurePoint kind_ = FailurePoint::pin;
    u64 left_ = 0;
    u64 counts_[failure_point_kinds] = {};
    bool armed_ = false, injected_ = false, enabled_ = false;
};

// A global: a machine constructs its VMCB audit itself, so a test cannot pass an injector to that.
inline constinit FaultInjector injector;

class FaultyMemory final {
  public:
    using Pin = Windows::Pin;
    rstate::Result<Pin> pin(Phys page) {
        if (injector.fails(FailurePoint::pin)) return FAIL(mm::no_slot, "injected failure of a pin", page);
        return world->windows.pin(page);
    }
};
static_assert(mm::PhysicalMemory<FaultyMemory>);

class FaultyFrames final {
  public:
    rstate::Result<Phys> allocate(mm::Owner owner) {
        if (injector.fails(FailurePoint::frame))
            return FAIL(mm::out_of_frames, "injected failure of a frame", owner);
        return world->frames.allocate(owner);
    }
    void free(Phys frame, mm::Owner owner) { world->frames.free(frame, owner); }
    void free_all(Span<const Phys> frames, mm::Owner owner) { world->frames.free_all(frames, owner); }
};
static_assert(mm::FrameAllocator<FaultyFrames>);

inline constexpr mm::Allocator faulty_heap{
    nullptr,
    [](void *, u64 size, u64 alignment, mm::AllocationSite site) -> rstate::Result<u8 *> {
        if (injector.fails(FailurePoint::block))
            return FAIL(mm::out_of_frames, "injected failure of a heap block", site.type, size);
        return world->allocator.allocate_bytes(world->allocator.context, size, alignment, site);
    },
    [](void *, u8 *block, u64 size) { world->allocator.free_bytes(world->allocator.context, block, size); }};

// Makes the processor itself refuse the entry, after all checks of the kernel. restore() must be called
// before the machine runs again, and the machine must live until then: QEMU writes the host's state into a
// VMCB that it refuses.
class FaultyEntries final {
  public:
    rstate::Result<void> before_entry(svm::Vmcb &vmcb, u64) {
        vmcb.control.clean_bits = 0; // the processor must read the field that changes here
        if (!injector.fails(FailurePoint::entry)) return rstate::done();
        refused_ = &vmcb, before_ = vmcb;
        vmcb.control.intercepts2 &= ~static_cast<u32>(svm::Intercept2::Vmrun::mask);
        return rstate::done();
    }
    void after_exit(const svm::Vmcb &) {}

    static void restore() {
        if (refused_ != nullptr) *refused_ = before_;
        refused_ = nullptr;
    }

  private:
    static inline constinit svm::Vmcb *refused_ = nullptr;
    static inline constinit svm::Vmcb before_ = {};
};

} // namespace kernel
