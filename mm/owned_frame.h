// mm/owned_frame.h — RAII for frames: freed unless released; PinnedFrame also keeps its frame pinned.
#pragma once

#include "cpu/ops.h"
#include "mm/physical.h"

namespace mm {

// For operations that can fail after they allocated: on success `release` gives the frame to its new owner.
template <FrameAllocator Frames> class OwnedFrame final {
  public:
    OwnedFrame(Frames &frames, Phys frame, Owner owner) : frames_(&frames), frame_(frame), owner_(owner) {}
    OwnedFrame(OwnedFrame &&other) : frames_(other.frames_), frame_(other.frame_), owner_(other.owner_) {
        other.frames_ = nullptr;
    }
    OwnedFrame &operator=(OwnedFrame &&) = delete;
    ~OwnedFrame() {
        if (frames_ != nullptr) frames_->free(frame_, owner_);
    }

    bool owned() const { return frames_ != nullptr; } // false: released, or moved from
    Phys get() const { return frame_; }
    Phys release() {
        frames_ = nullptr;
        return frame_;
    }

  private:
    Frames *frames_;
    Phys frame_;
    Owner owner_;
};

// A zeroed frame that stays pinned as long as it is owned: a VMCB, a save area.
template <PhysicalMemory Memory, FrameAllocator Frames> class PinnedFrame final {
  public:
    static rstate::Result<PinnedFrame> make(Memory &memory, Frames &frames, Owner owner) {
        OwnedFrame frame(frames, TRY(frames.allocate(owner), "taking a frame to keep pinned"), owner);
        auto pin = TRY(memory.pin(frame.get()), "pinning a frame for good", frame.get());
        cpu::fill_page(pin.bytes(), 0);
        return PinnedFrame(std::move(frame), std::move(pin));
    }
    PinnedFrame(PinnedFrame &&) = default;

    bool owned() const { return frame_.owned(); }
    Phys frame() const { return frame_.get(); }
    template <class T> T &as() {
        static_assert(sizeof(T) <= page_size);
        return *reinterpret_cast<T *>(pin_.bytes());
    }

  private:
    PinnedFrame(OwnedFrame<Frames> &&frame, typename Memory::Pin &&pin)
        : frame_(std::move(frame)), pin_(std::move(pin)) {}

    OwnedFrame<Frames> frame_;
    typename Memory::Pin pin_; // after frame_: unpinned before the frame is freed
};

} // namespace mm
