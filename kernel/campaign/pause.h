// kernel/campaign/pause.h — how core 0 makes the others rest between two cases: to look at what all share, or
// because somebody typed `pause`.
#pragma once

#include "fuzz/shared.h"

namespace kernel {

class Orders final {
  public:
    explicit Orders(fuzz::Shared &shared) : shared_(shared) {}

    // Core 0: from now on every other core rests when its case is over. True once all of them do; false when
    // one did not within the time that the longest case may take.
    bool rest();
    // Core 0: they go on.
    void go_on();
    bool resting() const { return rest_.get() != 0; }

    // Every other core, between two cases: returns at once, or when it may go on.
    void obey();
    // Every other core, when its part is over: from now on it counts as one that rests.
    void leave() { __atomic_add_fetch(&at_rest_, 1, __ATOMIC_RELEASE); }

  private:
    void wake_all() const;

    fuzz::Shared &shared_;
    fuzz::Atomic<u32> rest_;
    u32 at_rest_ = 0;
};

} // namespace kernel
