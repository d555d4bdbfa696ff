// kernel/introspect/leak_check.h — the leak check: counts pins, locks, errors, heap blocks and frames in use,
// so that a later call can report what was not released in between.
//
//   const LeakCheck before = LeakCheck::count_now();
//   ...
//   TRY(before.check_all(), "checking for leaks");
//
// Before it fails, a check logs where what is left came from.
#pragma once

#include "mm/physical.h"
#include "rstate/result.h"

namespace kernel {

class LeakCheck final {
  public:
    // Of this core: pins, locks, error frames. Of the whole machine: all else.
    static LeakCheck count_now();

    // Fails for what no operation may leave behind: pins, locks, dropped errors, and error frames beyond
    // `known_error_frames`.
    rstate::Result<> check_held(u64 known_error_frames = 0) const;
    // Fails for these, and for every heap block and frame in use that was not in use before. Page tables and
    // range metadata do not count, since quarantined ranges keep them; nor do the frames that SVM never
    // frees.
    rstate::Result<> check_all() const;

  private:
    u64 blocks_ = 0;
    u64 frames_[static_cast<u32>(mm::Owner::count_)] = {};
    u32 ranges_made_ = 0; // a range with a higher number was made later
    u64 pins_ = 0, locks_ = 0, error_frames_ = 0, dropped_errors_ = 0;
};

} // namespace kernel
