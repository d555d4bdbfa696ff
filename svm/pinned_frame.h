// svm/pinned_frame.h — a frame that stays pinned for as long as it is owned, cleared at first: a VMCB, a save
// area.
#pragma once

#include <optional>

#include "cpu/ops.h"
#include "mm/physical.h"

namespace svm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> class PinnedFrame final {
  public:
    static rstate::Result<PinnedFrame> make(Memory &memory, Frames &frames) {
        PinnedFrame made(frames, TRY(frames.allocate(mm::Owner::device), "taking a frame to keep pinned"));
        made.pin_.emplace(TRY(memory.pin(made.frame_), "pinning a frame for good", made.frame_));
        cpu::fill_page(made.pin_->bytes(), 0);
        return made;
    }
    PinnedFrame(PinnedFrame &&other)
        : frames_(other.frames_), frame_(other.frame_), pin_(std::move(other.pin_)) {
        other.pin_.reset();
        other.frames_ = nullptr;
    }
    PinnedFrame &operator=(PinnedFrame &&) = delete;
    ~PinnedFrame() {
        if (frames_ == nullptr) return;
        pin_.reset();
        frames_->free(frame_, mm::Owner::device);
    }

    bool owned() const { return frames_ != nullptr; }
    Phys frame() const { return frame_; }
    template <class T> T &as() {
        static_assert(sizeof(T) <= page_size);
        return *reinterpret_cast<T *>(pin_->bytes());
    }

  private:
    PinnedFrame(Frames &frames, Phys frame) : frames_(&frames), frame_(frame) {}

    Frames *frames_;
    Phys frame_;
    std::optional<typename Memory::Pin> pin_;
};

} // namespace svm
