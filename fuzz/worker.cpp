// fuzz/worker.cpp — the life of a case: take or make an input, run it, evaluate it, restore the snapshot.
#include "fuzz/worker.h"

#include "fuzz/codes.h"

namespace fuzz {

Worker::Worker(const Executor &executor, const Platform &platform, Shared &shared, Outbox &outbox,
               Arena &arena, const WorkerSize &size, const WorkerOptions &options)
    : executor_(executor), platform_(platform), shared_(shared), outbox_(outbox),
      counts_(shared.counts(options.core)), options_(options),
      random_(options.seed + options.core * 0x9e3779b97f4a7c15), coverage_(arena, size.edges),
      overrun_coverage_(arena, size.edges), corpus_(arena, corpus_size(size)),
      dictionary_(arena, size.given, size.tokens), comparison_log_(arena, size.comparisons),
      comparisons_(arena.take<vm::Comparison>(comparison_room)), features_{arena.take<Feature>(
                                                                     size.edges * usize{classes_per_edge} + 1,
                                                                     0u)},
      fresh_{arena.take<Feature>(size.edges * usize{classes_per_edge} + 1, 0u)},
      input_(arena.take<u8>(size.max_len, u8{0})), proposal_(arena.take<u8>(size.max_len, u8{0})),
      original_(arena.take<u8>(min(size.max_len, longest_original), u8{0})),
      output_room_(arena.take<u8>(vm::most_printed, u8{0})), readers_(arena.take<InputRingReader>(max_cores)),
      target_mutator_(executor, arena, size.mutants, size.max_len) {}

rstate::Result<void> Worker::run(Span<const Seed> seeds) {
    if (executor_.counter_count() == 0)
        return FAIL(no_counters, "the target was built without edge counters");
    if (executor_.counter_count() > coverage_.edges())
        return FAIL(counter_out_of_range, "the target has more edge counters than the tables have room for",
                    executor_.counter_count(), coverage_.edges());
    started_us_ = last_stats_us_ = platform_.now_us();
    started_ = platform_.time(), statistics_before_ = executor_.statistics();
    digest_ = TRY(executor_.digest(), "computing the digest of the snapshot");
    TRY(run_seeds(seeds), "running the seeds", seeds.size());
    while (may_run()) TRY(fuzz_one(), "fuzzing", cases_);
    publish_counts();
    share_hits();
    return rstate::done();
}

// Whether so many cases may still run. A core takes several cases at a time, so that it seldom touches the
// shared word. A core may end with cases that it took and
// did not run; that happens only when the whole run stops.
bool Worker::may_run(u64 cases) {
    if (shared_.stopping()) return false;
    if (granted_ < cases) granted_ += shared_.grant(64);
    return granted_ >= cases;
}

rstate::Result<void> Worker::run_seeds(Span<const Seed> seeds) {
    EdgeBudget budget(options_.timeout_edges);
    edge_budget_ = timeout_edges_ = budget.for_each_seed();
    for (const Seed &seed : seeds) {
        if (!may_run()) return rstate::done();
        counts_.seeds_left.store(static_cast<u64>(seeds.end() - &seed));
        input_.assign(seed.data); // cut to the longest input
        TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_}), "running a seed", &seed - seeds.begin());
        if (outcome_->ending == vm::Ending::done && seed.source == Source::seed)
            budget.add(outcome_->edges_spent);
        TRY(evaluate(no_entry, seed.source), "evaluating a seed", &seed - seeds.begin());
    }
    counts_.seeds_left.store(0);
    edge_budget_ = budget.for_cases(), timeout_edges_ = budget.for_timeouts();
    if (corpus_.empty() && may_run()) {
        input_.resize(0);
        TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_}), "running the empty input");
        if (outcome_->ending == vm::Ending::done) budget.add(outcome_->edges_spent);
        TRY(evaluate(no_entry, Source::found), "evaluating the empty input");
        edge_budget_ = budget.for_cases(), timeout_edges_ = budget.for_timeouts();
    }
    return rstate::done();
}

rstate::Result<void> Worker::fuzz_one() {
    TRY(sync_corpus(), "taking over another core's input", cases_);
    const u64 began = platform_.time();
    const Scheduler::Choice choice = TRY(make_input(), "making an input", cases_);
    time_mutating_ += platform_.time() - began;
    // The first case of each visit records what the target compares.
    TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_, .record_comparisons = choice.starts}),
        "running a mutated input", cases_);
    if (choice.starts) {
        const u32 count = TRY(executor_.read_comparisons(comparisons_), "reading the comparisons", cases_);
        comparison_log_.clear();
        comparison_log_.gather({comparisons_.data(), count}, dictionary_);
    }
    TRY(evaluate(choice.entry, Source::found), "evaluating a case", cases_);
    return rstate::done();
}

// Runs at most one input that another core has found, or on core 0 one from outside; looks at one ring per
// case.
rstate::Result<void> Worker::sync_corpus() {
    next_reader_ = next_reader_ + 1 < shared_.cores() ? next_reader_ + 1 : 0;
    const bool given = next_reader_ == options_.core; // core 0 reads that ring where its own one would be
    if (given && options_.core != 0) return rstate::done();
    u64 hash = 0;
    const InputRing &ring = given ? shared_.given_inputs() : shared_.input_ring(next_reader_);
    const auto got = readers_[next_reader_].receive(ring, input_, hash);
    if (got == InputRingReader::Got::overtaken) counts_.overtaken.bump();
    if (got != InputRingReader::Got::input) return rstate::done();
    counts_.imported.bump();
    TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_}), "running an imported input", given);
    return evaluate(no_entry, given ? Source::found : Source::imported);
}

// Fills input_ with a mutation of the input that the scheduler chooses.
rstate::Result<Scheduler::Choice> Worker::make_input() {
    const Scheduler::Choice choice = scheduler_.next(corpus_, random_);
    if (choice.entry == no_entry) {
        // No input ran to its end yet: start from the empty input.
        input_.resize(0);
        if (!TRY(take_target_mutant(choice), "mutating the empty input"))
            mutate(input_, {dictionary_, comparison_log_, Bytes()}, random_);
        return choice;
    }
    input_.assign(corpus_.data(choice.entry));
    // The first case of the first visit runs the input itself; the others solve its comparisons.
    if (choice.first_visit && choice.starts) return choice;
    if (TRY(take_target_mutant(choice), "letting the target mutate", choice.entry)) return choice;
    if (choice.first_visit && comparison_log_.replace_input_to_state(input_, random_)) return choice;
    const Bytes partner = corpus_.data(corpus_.any(random_));
    mutate(input_, {dictionary_, comparison_log_, partner}, random_);
    return choice;
}

// Replaces input_ by a mutant that the target's own mutator made of it; false when another mutator should.
rstate::Result<bool> Worker::take_target_mutant(const Scheduler::Choice &choice) {
    if (!target_mutator_.exists()) return false;
    if (!target_mutator_.replaces_others() && random_.one_in(2)) return false;
    if (choice.starts || !target_mutator_.waiting()) {
        const Bytes other = corpus_.empty() ? Bytes() : corpus_.data(corpus_.any(random_));
        TRY(target_mutator_.refill(input_.bytes(), other, dictionary_, random_), "making mutants",
            choice.entry);
    }
    return target_mutator_.take(input_);
}

rstate::Result<void> Worker::run_case(Bytes input, vm::CaseOptions options) {
    ++cases_;
    if (granted_ != 0) --granted_;
    options.show_output = options_.show_output;
    const u64 began = platform_.time();
    outcome_ = TRY(executor_.run_case(input, options), "running one case", cases_, input.size());
    time_running_ += platform_.time() - began;
    ++endings_[static_cast<u32>(outcome_->ending)];
    return rstate::done();
}

rstate::Result<void> Worker::reset() {
    TRY(executor_.reset(), "restoring the snapshot", cases_);
    if (options_.digest_every != 0 && cases_ % options_.digest_every == 0)
        TRY(verify_reset(), "comparing the machine with its snapshot", cases_);
    after_case();
    return rstate::done();
}

rstate::Result<void> Worker::verify_reset() {
    const u64 now = TRY(executor_.digest(), "computing the machine's digest", cases_);
    if (now != digest_)
        return FAIL(reset_incomplete, "memory or registers differ from the snapshot", cases_, digest_, now);
    counts_.digests.bump();
    return rstate::done();
}

} // namespace fuzz
