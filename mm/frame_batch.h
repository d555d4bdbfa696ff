// mm/frame_batch.h — frames that are freed together, in one TLB shootdown.
//
// Freeing a single frame interrupts every core and waits for the answers; a machine's memory is thousands of
// frames.
#pragma once

#include "mm/physical.h"

namespace mm {

// Frames of one owner. They are freed when the batch is full and when it ends.
template <FrameAllocator Frames> class FrameBatch final {
  public:
    static constexpr u32 capacity = 128; // as many as a shootdown names; a kilobyte of stack

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
