// mm/frame_batch.h — frames on their way back: many leave every core's window in one shoot-down.
//
// Each free of a single frame interrupts every core and waits for it; whoever gives back a machine's memory
// has thousands.
#pragma once

#include "mm/physical.h"

namespace mm {

// All frames of one owner. They are freed when it is full and at its end; until then nobody may use them.
template <FrameAllocator Frames> class FrameBatch final {
  public:
    static constexpr u32 capacity = 128; // as many as a shoot-down names; a kilobyte of stack

    FrameBatch(Frames &frames, Owner owner) : frames_(frames), owner_(owner) {}
    FrameBatch(const FrameBatch &) = delete;
    FrameBatch &operator=(const FrameBatch &) = delete;
    ~FrameBatch() { empty(); }

    void add(Phys frame) {
        if (count_ == capacity) empty();
        held_[count_++] = frame;
    }
    __attribute__((noinline)) void empty() {
        if (count_ != 0) frames_.free_all({held_, count_}, owner_);
        count_ = 0;
    }

  private:
    Frames &frames_;
    Owner owner_;
    u32 count_ = 0;
    Phys held_[capacity];
};

} // namespace mm
