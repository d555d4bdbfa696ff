// fuzz/worker.h — the fuzzing loop of one core: makes inputs, runs them, evaluates their coverage, keeps new
// ones in the corpus, and reports crashes.
//
// Everything it uses while fuzzing belongs to it, but for the few words of Shared. It counts every run of the
// target as a case, those of the minimizer too, so that "cases" means executions. It allocates nothing and
// never waits, except in a repeatable run, where each record is sent before the next case so that records
// keep their order.
//
//   worker.cpp             the life of a case: next input, run, evaluate, reset
//   worker_evaluate.cpp    what a case's coverage means for the corpus
//   worker_crash.cpp       deduplicates, minimizes and reports crashes
//   worker_overrun.cpp     runs what used its budget up again with a larger one; timeouts, out_of_memory
//   worker_report.cpp      statistics and corpus records
#pragma once

#include "fuzz/corpus.h"
#include "fuzz/coverage.h"
#include "fuzz/edge_budget.h"
#include "fuzz/executor.h"
#include "fuzz/mutators/mutate.h"
#include "fuzz/outbox.h"
#include "fuzz/platform.h"
#include "fuzz/records.h"
#include "fuzz/refused_record.h"
#include "fuzz/scheduler.h"
#include "fuzz/shared.h"
#include "fuzz/target_mutator.h"

namespace fuzz {

enum class Pace : u8 { free, repeatable };

struct WorkerOptions {
    u32 core = 0;
    u64 seed = 1;
    u64 timeout_edges = 0; // 0: from the seeds (edge_budget.h)
    Pace pace = Pace::free;
    u32 digest_every = 4096;  // cases between two verified resets; 0 for never
    u32 stats_every = 1000;   // cases between statistics in a repeatable run
    u32 minimize_cases = 512; // most runs of the minimizer for one crash
    const rstate::Resolver *resolver = nullptr;
    bool show_output = false; // log what the target prints in each case
};

struct WorkerSize {
    u32 edges = 0;
    u32 max_len = 4096;
    u32 entries = 4096;
    u32 corpus_bytes = 4u << 20;
    u32 tokens = 512;  // learned ones; the given ones come with their own size
    GivenTokens given; // outlive the worker
    u32 comparisons = 1024;
    u32 mutants = 0; // bytes for those of the target's own mutator (TargetMutator::room), if it has one
};

struct Seed {
    Bytes data;
    Source source = Source::seed; // `known` ones come from an earlier run and are not reported again
};

class Worker final {
  public:
    static constexpr usize memory(const WorkerSize &size) {
        return 2 * Coverage::memory(size.edges) + Corpus::memory(corpus_size(size)) +
               Dictionary::memory(size.given.count(), size.tokens) + ComparisonLog::memory(size.comparisons) +
               room_for<vm::Comparison>(comparison_room) +
               2 * room_for<Feature>(size.edges * usize{classes_per_edge} + 1) +
               2 * room_for<u8>(size.max_len) + room_for<u8>(min(size.max_len, longest_original)) +
               room_for<u8>(vm::most_printed) + room_for<InputRingReader>(max_cores) +
               room_for<u8>(size.mutants);
    }
    // Takes its tables from `arena`, which must have memory(size) left.
    Worker(const Executor &executor, const Platform &platform, Shared &shared, Outbox &outbox, Arena &arena,
           const WorkerSize &size, const WorkerOptions &options);

    // Runs the seeds, then fuzzes until the run is stopped or no cases are left. Afterwards some records may
    // still wait for room in the outbox.
    rstate::Result<void> run(Span<const Seed> seeds);
    // Queues the records that wait; true when all of them are in the outbox.
    bool flush();
    // Queues the last statistics, which are exact once every core's run has ended; false while the previous
    // record is being sent.
    bool report_last();

    const Corpus &corpus() const { return corpus_; }
    u32 edges() const { return coverage_.edges_seen(); }
    u64 cases() const { return cases_; }
    u64 edge_budget() const { return edge_budget_; }
    u64 timeout_edges() const { return timeout_edges_; }

  private:
    static constexpr u32 comparison_room = 4096;
    static constexpr CorpusSize corpus_size(const WorkerSize &size) {
        return {size.entries, size.corpus_bytes, size.edges};
    }

    // worker.cpp
    bool may_run(u64 cases = 1);
    rstate::Result<Scheduler::Choice> make_input();
    rstate::Result<bool> take_target_mutant(const Scheduler::Choice &choice);
    rstate::Result<void> run_case(Bytes input, vm::CaseOptions options);
    rstate::Result<void> reset();
    rstate::Result<void> verify_reset();
    rstate::Result<void> run_seeds(Span<const Seed> seeds);
    rstate::Result<void> sync_corpus();
    rstate::Result<void> fuzz_one();
    // worker_evaluate.cpp
    rstate::Result<void> evaluate(u32 parent, Source source);
    rstate::Result<void> update_corpus(u32 parent, Source source);
    rstate::Result<void> add_to_corpus(Source source);
    rstate::Result<void> list_features();
    // worker_overrun.cpp
    rstate::Result<void> handle_overrun(u32 parent, Source source);
    rstate::Result<void> run_again(u32 parent, Source source);
    rstate::Result<void> report_overrun();
    rstate::Result<bool> shows_new_overrun();
    bool may_report() const;
    // worker_crash.cpp
    rstate::Result<void> handle_crash();
    rstate::Result<void> report_crash(vm::Finding &finding, u64 found_case);
    rstate::Result<void> minimize_crash(vm::Finding &finding);
    rstate::Result<bool> crashes_the_same(Bytes input, u64 hash, vm::CaseOptions options);
    // worker_report.cpp
    void after_case();
    void publish_counts();
    void publish_times(const vm::Statistics &spent);
    void report_corpus();
    bool report_refused(RefusedReporter::Due due);
    void report_stats();
    void report_counts();
    // worker_evaluate.cpp
    void share_hits();

    Executor executor_;
    Platform platform_;
    Shared &shared_;
    Outbox &outbox_;
    CoreCounts &counts_;
    WorkerOptions options_;
    Random random_;
    Coverage coverage_, overrun_coverage_; // of cases that ended; of timeouts and out_of_memory
    Corpus corpus_;
    Scheduler scheduler_;
    Dictionary dictionary_;
    ComparisonLog comparison_log_;
    Span<vm::Comparison> comparisons_;
    FeatureList features_, fresh_;
    Buffer input_, proposal_; // the minimizer uses the second
    Buffer original_;         // the crash's input before it is minimized; empty where that is too long
    MutableBytes output_room_;
    vm::Printed printed_; // in the last case that may be reported; in output_room_
    Span<InputRingReader> readers_;
    TargetMutator target_mutator_;
    const vm::Outcome *outcome_ = nullptr; // of the last case
    StatsWriter stats_;
    CountsWriter counts_writer_;
    RefusedReporter refused_;

    u64 cases_ = 0, granted_ = 0;
    u64 endings_[vm::ending_count] = {}; // cases by their ending
    // What a case may spend at first, and what it may spend before it is a timeout.
    u64 edge_budget_ = EdgeBudget::for_seeds, timeout_edges_ = EdgeBudget::for_seeds;
    u64 crash_edges_ = 0; // that the crash which is being handled had spent
    u64 digest_ = 0;      // of the snapshot
    u64 started_us_ = 0, last_stats_us_ = 0;
    vm::Statistics statistics_before_;                       // by the target's start-up
    u64 started_ = 0, time_running_ = 0, time_mutating_ = 0; // by Platform::time
    u32 next_reader_ = 0;
    u32 next_report_ = 0; // entries below have been reported or are gone
};

} // namespace fuzz
