// kernel/introspect/leak_check.h — what is borrowed at a moment, so that whoever borrows can be shown to have
// given it back. Before the chain that says what is missing, the log says where it came from.
#pragma once

#include "mm/physical.h"
#include "rstate/result.h"

namespace kernel {

class Balance final {
  public:
    // Of the whole machine, except what only this core can have: pins, locks, frames of errors.
    static Balance now();

    // What only a bug leaves behind, whatever was done: pins, locks, errors nobody looked at, and frames of
    // errors beyond those that are known.
    rstate::Result<> nothing_held(u64 known_error_frames = 0) const;
    // The same, and every block of the heap and every frame, whoever owned it. Tables and books stay for the
    // ranges that are remembered, and so does what SVM keeps for good.
    rstate::Result<> all_given_back() const;

  private:
    u64 blocks_ = 0;
    u64 frames_[static_cast<u32>(mm::Owner::count_)] = {};
    u32 ranges_made_ = 0; // until then: what was made later is what may be left behind
    u64 pins_ = 0, locks_ = 0, error_frames_ = 0, dropped_errors_ = 0;
};

} // namespace kernel
