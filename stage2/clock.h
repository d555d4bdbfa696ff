// stage2/clock.h — the time-stamp counter's rate, measured once against the PIT, and waits by it.
//
// On a machine without a PIT waits count port reads, of which each takes about a microsecond.
#pragma once

#include "base/types.h"

namespace stage2 {

class Clock final {
  public:
    static Clock measure();
    // 0 when there is no PIT.
    u64 tsc_hz() const { return tsc_hz_; }
    void wait(u32 milliseconds) const;

  private:
    explicit Clock(u64 tsc_hz) : tsc_hz_(tsc_hz) {}
    u64 tsc_hz_;
};

} // namespace stage2
