// fuzz/worker.h — one core's fuzzing: proposes inputs, runs them, keeps what shows something new, tells of
// crashes.
//
// Everything it touches while fuzzing is its own but for the few words of Shared. It counts every run of the
// target as a case, those for triage too, so that "cases" means executions. It allocates nothing and never
// waits, except in a repeatable run, where each record is sent before the next case so that records keep
// their order.
#pragma once

#include "base/hash.h"
#include "fuzz/budget.h"
#include "fuzz/codes.h"
#include "fuzz/corpus.h"
#include "fuzz/coverage.h"
#include "fuzz/executor.h"
#include "fuzz/minimizer.h"
#include "fuzz/mutators/mutate.h"
#include "fuzz/outbox.h"
#include "fuzz/records.h"
#include "fuzz/shared.h"

namespace fuzz {

// What the program around the fuzzer gives it, besides memory.
template <class H>
concept Surroundings = requires(H host) {
    { host.now_us() } -> std::same_as<u64>; // since any fixed moment
    { host.time() } -> std::same_as<u64>;   // by the clock of vm::Spent, for shares of time
    {host.between_cases()};                 // short; serves what must be served
    { host.figures() } -> std::same_as<MachineFigures>;
    {host.send_records()}; // a repeatable run waits in it until the outbox is empty
};

enum class Pace : u8 { free, repeatable };

struct WorkerOptions {
    u32 core = 0;
    u64 seed = 1;
    u64 edge_budget = 0; // 0: fifty times the median seed's edges
    Pace pace = Pace::free;
    u32 digest_every = 4096; // cases between two verified resets; 0 for never
    u32 stats_every = 1000;  // cases between statistics in a repeatable run
    u32 triage_cases = 512;  // runs spent on making one crash's input smaller
    const rstate::Resolver *resolver = nullptr;
};

struct WorkerSize {
    u32 edges = 0;
    u32 max_len = 4096;
    u32 entries = 4096;
    u32 corpus_bytes = 4u << 20;
    u32 tokens = 512;
    u32 comparisons = 1024;
};

struct Seed {
    Bytes data;
    Source source = Source::seed; // `known` ones came from an earlier run and are not reported again
};

template <Executor E, Surroundings H> class Worker {
  public:
    static constexpr usize memory(const WorkerSize &size) {
        return 2 * Coverage::memory(size.edges) + Corpus::memory(corpus_size(size)) +
               Dictionary::memory(size.tokens) + Operands::memory(size.comparisons) +
               room_for<vm::Comparison>(comparison_room) +
               2 * room_for<Feature>(size.edges * usize{classes_per_edge} + 1) +
               3 * room_for<u8>(size.max_len) + room_for<LaneReader>(max_cores);
    }
    // Cuts its tables from `arena`, which must have memory(size) left.
    Worker(E &executor, H &host, Shared &shared, Outbox &outbox, Arena &arena, const WorkerSize &size,
           const WorkerOptions &options);

    Dictionary &dictionary() { return dictionary_; }
    // Runs the seeds, then fuzzes until the run is stopped or out of cases. Its records may still be waiting
    // then.
    rstate::Result<void> run(Span<const Seed> seeds);
    // Queues what waits; true when everything is in the outbox.
    bool flush();
    // Queues the last statistics, exact once every core's run has ended; false while the one before is being
    // sent.
    bool report_last();

    const Corpus &corpus() const { return corpus_; }
    u32 edges() const { return coverage_.edges_seen(); }
    u64 cases() const { return cases_; }
    u64 edge_budget() const { return edge_budget_; }

  private:
    static constexpr u32 comparison_room = 4096;
    static constexpr CorpusSize corpus_size(const WorkerSize &size) {
        return {size.entries, size.corpus_bytes, size.edges};
    }

    // Runs for triage are cases like any other.
    struct CountedRuns {
        Worker &worker;
        rstate::Result<const vm::Outcome *> run_case(Bytes input, const vm::CaseOptions &options) {
            TRY(worker.run_case(input, options), "running a case for triage");
            return worker.outcome_;
        }
        rstate::Result<void> reset() { return worker.reset(); }
    };

    bool may_run(u64 cases = 1);
    bool propose();
    rstate::Result<void> run_case(Bytes input, vm::CaseOptions options);
    rstate::Result<void> reset();
    rstate::Result<void> run_seeds(Span<const Seed> seeds);
    rstate::Result<void> run_import();
    rstate::Result<void> fuzz_once();
    rstate::Result<void> judge(u32 parent, Source source);
    rstate::Result<void> learn(u32 parent, Source source);
    rstate::Result<void> keep(Source source);
    rstate::Result<void> list_features();
    rstate::Result<void> on_crash();
    rstate::Result<void> triage(vm::Finding &finding);
    rstate::Result<void> on_overrun();
    rstate::Result<bool> crashes_the_same(Bytes input, u64 hash);
    rstate::Result<void> verify_reset();
    void after_case();
    void publish();
    void report_corpus();
    void report_stats();

    E &executor_;
    H &host_;
    Shared &shared_;
    Outbox &outbox_;
    CoreCounts &counts_;
    WorkerOptions options_;
    Random random_;
    Coverage coverage_, overruns_seen_;
    Corpus corpus_;
    Dictionary dictionary_;
    Operands operands_;
    Span<vm::Comparison> comparisons_;
    FeatureList features_, fresh_;
    Buffer input_, smaller_, proposal_;
    Span<LaneReader> readers_;
    const vm::Outcome *outcome_ = nullptr; // of the last case
    StatsWriter stats_;

    u64 cases_ = 0, granted_ = 0;
    u64 endings_[vm::ending_count] = {}; // cases by their ending
    u64 edge_budget_ = EdgeBudget::for_seeds;
    u64 digest_ = 0;
    u64 started_us_ = 0, last_stats_us_ = 0;
    vm::Spent spent_before_;                                  // getting the target to its door
    u64 started_ = 0, time_running_ = 0, time_proposing_ = 0; // by the host's clock
    u32 parent_ = no_entry, left_in_visit_ = 0;
    bool first_visit_ = false; // of parent_
    u32 next_reader_ = 0;
    u32 next_report_ = 0; // entries below have been reported or are gone
};

} // namespace fuzz

#include "fuzz/worker_impl.h"
