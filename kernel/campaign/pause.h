// kernel/campaign/pause.h — how core 0 makes the others rest between two cases: to look at what all share, or
// because somebody typed `pause`.
#pragma once

#include "base/atomic.h"
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
    bool resting() const { return rest_.load() != 0; }

    // Every other core, between two cases: returns at once, or when it may go on.
    void obey();
    // Every other core, when its part is over: from now on it counts as one that rests.
    void leave() { at_rest_.fetch_add(1, Order::release); }

  private:
    void wake_all() const;

    fuzz::Shared &shared_;
    Atomic<u32> rest_;
    Atomic<u32> at_rest_;
};

} // namespace kernel
