// fuzz/executor.h — all that the fuzzer knows about the machine that runs a target.
//
// The executor stands at the snapshot before run_case. After it the memory of the ended case (counters,
// comparisons) stays readable until reset restores the snapshot. The outcome belongs to the executor and is
// valid until the next case. One executor belongs to one core.
//
// These classes refer to an object that outlives them and call it through function pointers: an indirect call
// is cheap compared with a case of thousands of instructions, and the worker needs no template.
#pragma once

#include "base/span.h"
#include "rstate/result.h"
#include "vm/mutation.h"
#include "vm/outcome.h"

namespace fuzz {

// Refers to a function that takes one contiguous piece of the edge counters and the number of its first
// counter.
class CounterVisitor final {
  public:
    template <class F>
    CounterVisitor(const F &visit)
        : visit_(&visit), call_([](const void *function, u32 first, Bytes counters) {
              (*static_cast<const F *>(function))(first, counters);
          }) {}
    void operator()(u32 first, Bytes counters) const { call_(visit_, first, counters); }

  private:
    const void *visit_;
    void (*call_)(const void *function, u32 first, Bytes counters);
};

class Executor final {
  public:
    template <class E> static Executor of(E &executor) {
        static constexpr Operations operations = {
            [](void *e, Bytes input, const vm::CaseOptions &options) {
                return static_cast<E *>(e)->run_case(input, options);
            },
            [](void *e) { return static_cast<E *>(e)->reset(); },
            [](void *e) { return static_cast<E *>(e)->counter_count(); },
            [](void *e, CounterVisitor visit) { return static_cast<E *>(e)->visit_counters(visit); },
            [](void *e, Span<vm::Comparison> out) { return static_cast<E *>(e)->read_comparisons(out); },
            [](void *e, MutableBytes room) { return static_cast<E *>(e)->read_output(room); },
            [](void *e) { return static_cast<E *>(e)->refused_calls(); },
            [](void *e) -> const vm::Statistics & { return static_cast<E *>(e)->statistics(); },
            [](void *e) { return static_cast<E *>(e)->digest(); },
            [](void *e) { return static_cast<E *>(e)->mutator_abilities(); },
            [](void *e, const vm::MutationRequest &request, MutableBytes out) {
                return static_cast<E *>(e)->make_mutants(request, out);
            },
        };
        return Executor(&executor, operations);
    }

    rstate::Result<const vm::Outcome *> run_case(Bytes input, const vm::CaseOptions &options) const {
        return does_->run_case(executor_, input, options);
    }
    rstate::Result<void> reset() const { return does_->reset(executor_); }
    u32 counter_count() const { return does_->counter_count(executor_); }
    rstate::Result<void> visit_counters(CounterVisitor visit) const {
        return does_->visit_counters(executor_, visit);
    }
    // Writes the comparisons of a case that ran with record_comparisons, and returns how many.
    rstate::Result<u32> read_comparisons(Span<vm::Comparison> out) const {
        return does_->read_comparisons(executor_, out);
    }
    // What the ended case printed, before the reset; the bytes are copied into `room`.
    rstate::Result<vm::Printed> read_output(MutableBytes room) const {
        return does_->read_output(executor_, room);
    }
    // So far, also before the snapshot.
    Span<const vm::RefusedCall> refused_calls() const { return does_->refused_calls(executor_); }
    const vm::Statistics &statistics() const { return does_->statistics(executor_); }
    // Over memory and registers; at the snapshot it always has the same value.
    rstate::Result<u64> digest() const { return does_->digest(executor_); }
    // Whether the target has a mutator of its own.
    vm::MutatorAbilities mutator_abilities() const { return does_->mutator_abilities(executor_); }
    // Runs it, from the snapshot; the caller resets. Writes the mutants that it made, each behind its size
    // (vm::mutant_header), and returns how many bytes they take: 0 when it made none.
    rstate::Result<u64> make_mutants(const vm::MutationRequest &request, MutableBytes out) const {
        return does_->make_mutants(executor_, request, out);
    }

  private:
    struct Operations {
        rstate::Result<const vm::Outcome *> (*run_case)(void *, Bytes, const vm::CaseOptions &);
        rstate::Result<void> (*reset)(void *);
        u32 (*counter_count)(void *);
        rstate::Result<void> (*visit_counters)(void *, CounterVisitor);
        rstate::Result<u32> (*read_comparisons)(void *, Span<vm::Comparison>);
        rstate::Result<vm::Printed> (*read_output)(void *, MutableBytes);
        Span<const vm::RefusedCall> (*refused_calls)(void *);
        const vm::Statistics &(*statistics)(void *);
        rstate::Result<u64> (*digest)(void *);
        vm::MutatorAbilities (*mutator_abilities)(void *);
        rstate::Result<u64> (*make_mutants)(void *, const vm::MutationRequest &, MutableBytes);
    };
    Executor(void *executor, const Operations &does) : executor_(executor), does_(&does) {}

    void *executor_;
    const Operations *does_;
};

} // namespace fuzz
