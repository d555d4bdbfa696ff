// fuzz/executor.h — all that the fuzzer knows about the machine that runs a target.
//
// An executor stands at the snapshot before run_case. After it the memory of the ended case stays readable
// (counters, comparisons) until reset brings the snapshot back; the outcome stays its own, and is valid until
// the next case. One executor belongs to one core.
#pragma once

#include <concepts>

#include "base/span.h"
#include "rstate/result.h"
#include "vm/outcome.h"

namespace fuzz {

// Takes one contiguous piece of the edge counters and the number of its first counter.
struct CounterVisitor {
    void operator()(u32 first, Bytes counters) const;
};

// Runs cases one by one, each from the snapshot.
template <class E>
concept CaseRunner = requires(E executor, Bytes input, const vm::CaseOptions &options) {
    { executor.run_case(input, options) } -> std::same_as<rstate::Result<const vm::Outcome *>>;
    { executor.reset() } -> std::same_as<rstate::Result<void>>;
};

template <class E>
concept Executor = CaseRunner<E> && requires(E executor, CounterVisitor visitor, Span<vm::Comparison> out) {
    { executor.counter_count() } -> std::convertible_to<u32>;
    { executor.visit_counters(visitor) } -> std::same_as<rstate::Result<void>>;
    // The comparisons of a case that ran with record_comparisons; how many were written.
    { executor.read_comparisons(out) } -> std::same_as<rstate::Result<u32>>;
    { executor.spent() } -> std::convertible_to<const vm::Spent &>;
    // Over memory and registers; at the snapshot it always has the same value.
    { executor.digest() } -> std::same_as<rstate::Result<u64>>;
};

} // namespace fuzz
