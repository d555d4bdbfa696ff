// kernel/campaign/pause.h — the stop-the-world pause: core 0 stops every other core between two cases, to
// read what all cores share, or because a user typed `pause`.
#pragma once

#include "base/atomic.h"
#include "fuzz/shared.h"

namespace kernel {

class Pause final {
  public:
    explicit Pause(fuzz::Shared &shared) : shared_(shared) {}

    // Core 0: asks every other core to stop after its case. True once all have stopped; false when one has
    // not within the time that the longest case may take, or when the run ends.
    bool pause_all();
    // Core 0: the other cores continue.
    void resume_all();
    bool active() const { return requested_.load() != 0; }

    // Every other core, between two cases: returns at once, or after resume_all when a pause is active.
    void check_in();
    // Every other core, when its part of the run is over: from then on it counts as stopped.
    void leave() { stopped_.fetch_add(1, Order::release); }

  private:
    void wake_all() const;

    fuzz::Shared &shared_;
    Atomic<u32> requested_;
    Atomic<u32> stopped_; // cores that have stopped or left
};

} // namespace kernel
