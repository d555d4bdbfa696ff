// stage2/clock.h — how long a millisecond is.
//
// The PIT is asked at the start alone. Waits go by the time-stamp counter, whose rate it gave; on a machine
// without a PIT by port reads, of which each takes about a microsecond.
#pragma once

#include "base/types.h"

namespace stage2 {

class Clock final {
  public:
    static Clock measure();
    // 0 when there was nothing to measure by.
    u64 tsc_hz() const { return tsc_hz_; }
    void wait(u32 milliseconds) const;

  private:
    explicit Clock(u64 tsc_hz) : tsc_hz_(tsc_hz) {}
    u64 tsc_hz_;
};

} // namespace stage2
