// fuzz/edge_budget.h — how many edges a case may spend: a first budget, and twenty times as much before it is
// called a timeout.
//
// Counted in edges, not in seconds, so that the result does not depend on the machine or its load. Only the
// target's own seeds count, so that a replay computes the same budget as the run that found the input.
#pragma once

#include "base/types.h"

namespace fuzz {

class EdgeBudget {
  public:
    static constexpr u64 for_seeds = 1ul << 26; // chosen: enough for any seed, and it ends an endless loop
    static constexpr u64 most = 1ul << 62;      // the target counts down with a sign

    // `given`: the edges of a timeout, as the user says; 0: from the seeds.
    explicit EdgeBudget(u64 given = 0) : given_(min(given, most)) {}

    // A seed that ran to its end.
    void add(u64 spent) { largest_ = max(largest_, spent), any_ = true; }
    u64 for_each_seed() const { return given_ != 0 ? given_ : for_seeds; }
    // The first budget of a case.
    u64 for_cases() const {
        if (!any_) return for_each_seed();
        const u64 measured = min(max(times * largest_, least), most / rerun);
        return given_ != 0 ? min(given_, measured) : measured;
    }
    // A case that spends more is a timeout.
    u64 for_timeouts() const {
        if (given_ != 0) return given_;
        return any_ ? for_cases() * rerun : for_seeds;
    }

  private:
    static constexpr u64 times = 50; // chosen: more than mutations of a seed spend, far less than a hang
    static constexpr u64 least = 1'000'000; // chosen: a millisecond without instrumentation
    static constexpr u64 rerun = 20;        // chosen: a case that is only slow ends within it
    u64 given_ = 0, largest_ = 0;
    bool any_ = false;
};

} // namespace fuzz
