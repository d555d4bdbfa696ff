// fuzz/edge_budget.h — how many edges a case may spend before it is a timeout: fifty times the median seed.
//
// Counted in edges, not in seconds, so that the result does not depend on the machine or its load. Only the
// target's own seeds count, so that a replay computes the same budget as the run that found the input.
#pragma once

#include "base/types.h"

namespace fuzz {

class EdgeBudget {
  public:
    static constexpr u64 for_seeds = 1ul << 26; // chosen: enough for any seed, and it ends an endless loop

    void add(u64 spent) {
        if (count_ == most) return;
        u32 at = count_++;
        for (; at > 0 && spent_[at - 1] > spent; --at) spent_[at] = spent_[at - 1];
        spent_[at] = spent;
    }
    u64 for_cases() const { return count_ == 0 ? for_seeds : max(times * spent_[count_ / 2], least); }

  private:
    static constexpr u32 most = 256; // the first seeds whose edges give the median
    static constexpr u64 times = 50; // chosen: more than mutations of a seed spend, far less than a hang
    static constexpr u64 least = 20'000;
    u64 spent_[most] = {}; // ascending
    u32 count_ = 0;
};

} // namespace fuzz
