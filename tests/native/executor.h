// tests/native/executor.h — the harness in this process as a fuzz::Executor: far faster than a machine,
// for tuning.
#pragma once

#include <cstring>
#include <vector>

#include "fuzz/executor.h"

namespace native {

class Executor {
  public:
    Executor();

    rstate::Result<const vm::Outcome *> run_case(Bytes input, const vm::CaseOptions &options);
    rstate::Result<void> reset();
    u32 counter_count() const;
    template <class F> rstate::Result<void> visit_counters(F &&visit) {
        visit(0u, counters());
        return rstate::done();
    }
    rstate::Result<u32> read_comparisons(Span<vm::Comparison> out);
    rstate::Result<vm::Printed> read_output(MutableBytes) { return vm::Printed{}; } // it is on the terminal
    Span<const vm::RefusedCall> refused_calls() const { return {}; }
    const vm::Statistics &statistics() const { return statistics_; }
    rstate::Result<u64> digest() { return u64{0}; } // there is no snapshot here
    static vm::MutatorAbilities mutator_abilities() { return {}; }
    static rstate::Result<u64> make_mutants(const vm::MutationRequest &, MutableBytes) { return u64{0}; }

  private:
    static Bytes counters();
    vm::Statistics statistics_;
    vm::Outcome outcome_;
};

// Names functions by the program's own symbols.
const rstate::Resolver &resolver();

} // namespace native
