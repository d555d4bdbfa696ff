// guest/recursion.h — collapses recursion in a call stack: of frames that repeat, one round is kept.
//
// A round is a sequence of frames in the same functions, at whatever places in them. So a stack shows as much
// of its outer part as fits, however deep the recursion is, and the crash hash does not depend on the depth.
#pragma once

#include "base/span.h"
#include "vm/outcome.h"

namespace guest {

class RecursionFold final {
  public:
    // Both spans start empty; without room in `recursions`, rounds are dropped uncounted.
    RecursionFold(Span<u64> frames, Span<vm::Recursion> recursions)
        : frames_(frames.first(min<usize>(frames.size(), vm::max_target_frames))), recursions_(recursions) {}

    // Adds the next outer frame; `function` identifies its function. False when there is no room for it.
    bool add(u64 pc, u64 function);
    u32 count() const { return count_; }
    u32 recursion_count() const { return recursion_count_; }

  private:
    bool ends_with_two_rounds(u32 length) const;
    void drop_round(u32 length);

    Span<u64> frames_;
    Span<vm::Recursion> recursions_;
    u64 functions_[vm::max_target_frames] = {}; // of each frame
    u32 count_ = 0, recursion_count_ = 0;
};

} // namespace guest
