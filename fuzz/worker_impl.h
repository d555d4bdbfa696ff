// fuzz/worker_impl.h — the bodies of Worker's members; included by worker.h alone.
#pragma once

#include "fuzz/worker.h"

namespace fuzz {

template <Executor E, Surroundings H>
Worker<E, H>::Worker(E &executor, H &host, Shared &shared, Outbox &outbox, Arena &arena,
                     const WorkerSize &size, const WorkerOptions &options)
    : executor_(executor), host_(host), shared_(shared), outbox_(outbox),
      counts_(shared.counts(options.core)), options_(options),
      random_(options.seed + options.core * 0x9e3779b97f4a7c15), coverage_(arena, size.edges),
      overruns_seen_(arena, size.edges), corpus_(arena, corpus_size(size)), dictionary_(arena, size.tokens),
      operands_(arena, size.comparisons), comparisons_(arena.take<vm::Comparison>(comparison_room)),
      features_{arena.take<Feature>(size.edges * usize{classes_per_edge} + 1, 0u)},
      fresh_{arena.take<Feature>(size.edges * usize{classes_per_edge} + 1, 0u)},
      input_(arena.take<u8>(size.max_len, u8{0})), smaller_(arena.take<u8>(size.max_len, u8{0})),
      proposal_(arena.take<u8>(size.max_len, u8{0})), readers_(arena.take<LaneReader>(max_cores)) {
    if (options.edge_budget != 0) edge_budget_ = options.edge_budget;
}

// Whether the run's allowance holds so many cases more. Cores take several at a time so that they seldom
// touch the shared word; what a core leaves over at the end is lost only when the run is being stopped
// anyway.
template <Executor E, Surroundings H> bool Worker<E, H>::may_run(u64 cases) {
    if (shared_.stopping()) return false;
    if (granted_ < cases) granted_ += shared_.grant(64);
    return granted_ >= cases;
}

template <Executor E, Surroundings H>
rstate::Result<void> Worker<E, H>::run_case(Bytes input, vm::CaseOptions options) {
    ++cases_;
    if (granted_ != 0) --granted_;
    const u64 began = host_.time();
    outcome_ = TRY(executor_.run_case(input, options), "running one case", cases_, input.size());
    time_running_ += host_.time() - began;
    ++endings_[static_cast<u32>(outcome_->ending)];
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::reset() {
    TRY(executor_.reset(), "bringing the snapshot back", cases_);
    if (options_.digest_every != 0 && cases_ % options_.digest_every == 0)
        TRY(verify_reset(), "comparing the machine with its snapshot", cases_);
    after_case();
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::verify_reset() {
    const u64 now = TRY(executor_.digest(), "digesting the machine", cases_);
    if (now != digest_)
        return FAIL(reset_incomplete, "memory or registers differ from the snapshot", cases_, digest_, now);
    counts_.digests.bump();
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::list_features() {
    features_.count = 0;
    TRY(executor_.visit_counters([this](u32 first, Bytes piece) {
        if (coverage_.holds(first, piece.size())) Coverage::list(first, piece, features_);
    }),
        "listing the edges of a case", cases_);
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::run(Span<const Seed> seeds) {
    if (executor_.counter_count() == 0)
        return FAIL(no_counters, "the target was built without edge counters");
    if (executor_.counter_count() > coverage_.edges())
        return FAIL(counter_out_of_range, "there are more counters than tables were made for",
                    executor_.counter_count(), coverage_.edges());
    started_us_ = last_stats_us_ = host_.now_us();
    started_ = host_.time(), spent_before_ = executor_.spent();
    digest_ = TRY(executor_.digest(), "digesting the snapshot");
    TRY(run_seeds(seeds), "running the seeds", seeds.size());
    while (may_run()) TRY(fuzz_once(), "fuzzing", cases_);
    publish();
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::run_seeds(Span<const Seed> seeds) {
    EdgeBudget budget;
    for (const Seed &seed : seeds) {
        if (!may_run()) return rstate::done();
        if (seed.data.size() > input_.capacity())
            return FAIL(input_too_long, "a seed is longer than inputs may be", seed.data.size(),
                        input_.capacity());
        input_.assign(seed.data);
        TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_}), "running a seed", &seed - seeds.begin());
        if (outcome_->ending == vm::Ending::done && seed.source == Source::seed)
            budget.add(outcome_->edges_spent);
        TRY(judge(no_entry, seed.source), "judging a seed", &seed - seeds.begin());
    }
    if (options_.edge_budget == 0) edge_budget_ = budget.for_cases();
    if (corpus_.empty() && may_run()) {
        input_.resize(0);
        TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_}), "running the empty input");
        TRY(judge(no_entry, Source::found), "judging the empty input");
    }
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::run_import() {
    if (shared_.cores() == 1) return rstate::done();
    next_reader_ = next_reader_ + 1 < shared_.cores() ? next_reader_ + 1 : 0;
    if (next_reader_ == options_.core) return rstate::done();
    u64 hash = 0;
    const auto got = readers_[next_reader_].receive(shared_.lane(next_reader_), input_, hash);
    if (got == LaneReader::Got::overtaken) counts_.overtaken.bump();
    if (got != LaneReader::Got::input) return rstate::done();
    counts_.imported.bump();
    TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_}), "running another core's input");
    return judge(no_entry, Source::imported);
}

// Cases of one visit to an input; in its first visit, what the input compares is tried out (tuned by
// measurement: docs/fuzz.md).
constexpr u32 batch = 8, first_batch = 32;
// One case in this many counts for how often features are hit; listing them costs more than scanning.
constexpr u64 observed_one_in = 32;
// Cases between two publications of what this core has counted.
constexpr u64 published_one_in = 64;

// Makes the next input and says whether to record what it compares: that of each visit's first case.
template <Executor E, Surroundings H> bool Worker<E, H>::propose() {
    if (corpus_.empty()) {
        // Nothing ran to its end yet: grow something from nothing.
        parent_ = no_entry, left_in_visit_ = 0;
        input_.resize(0);
        mutate(input_, {dictionary_, operands_, Bytes()}, random_);
        return false;
    }
    const bool begins = left_in_visit_ == 0 || !corpus_.entry(parent_).live;
    if (begins) {
        parent_ = corpus_.pick(random_);
        first_visit_ = corpus_.entry(parent_).picks == 1;
        left_in_visit_ = first_visit_ ? first_batch : batch;
    }
    --left_in_visit_;
    input_.assign(corpus_.data(parent_));
    // The first case of the first visit is the input itself.
    if (first_visit_ && (begins || operands_.substitute(input_, random_))) return begins;
    const Bytes partner = corpus_.data(corpus_.pick_any(random_));
    mutate(input_, {dictionary_, operands_, partner}, random_);
    return begins;
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::fuzz_once() {
    TRY(run_import(), "taking in another core's input", cases_);
    const u64 began = host_.time();
    const bool record = propose();
    time_proposing_ += host_.time() - began;
    TRY(run_case(input_.bytes(), {.edge_budget = edge_budget_, .record_comparisons = record}),
        "running a mutated input", cases_);
    if (record) {
        const u32 count = TRY(executor_.read_comparisons(comparisons_), "reading what was compared", cases_);
        operands_.clear();
        operands_.gather({comparisons_.data(), count}, dictionary_);
    }
    TRY(judge(parent_, Source::found), "judging a case", cases_);
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::judge(u32 parent, Source source) {
    switch (outcome_->ending) {
    case vm::Ending::done:
        TRY(learn(parent, source), "learning from a case", cases_);
        return reset();
    case vm::Ending::crash:
        return on_crash();
    case vm::Ending::timeout:
    case vm::Ending::out_of_memory:
        return on_overrun();
    }
    return rstate::done();
}

// Keeps the input when it showed something new or does what its parent does with fewer bytes.
template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::learn(u32 parent, Source source) {
    if (outcome_->value < 0) return rstate::done(); // the harness asks not to keep it
    // An input smaller than its parent is worth a closer look when it shows one feature of those that count.
    Feature witness = 0;
    const bool smaller =
        parent != no_entry && input_.size() < corpus_.entry(parent).size && corpus_.witness(parent, witness);
    bool fresh = false, inside = true, witnessed = false;
    TRY(executor_.visit_counters([&](u32 first, Bytes piece) {
        if (!coverage_.holds(first, piece.size()))
            inside = false;
        else if (!fresh)
            fresh = coverage_.shows_new(first, piece);
        if (smaller) witnessed |= Coverage::shows(first, piece, witness);
    }),
        "scanning the edges of a case", cases_);
    if (!inside) return FAIL(counter_out_of_range, "a counter lies beyond the tables", coverage_.edges());
    if (fresh) return keep(source);
    if (witnessed) {
        TRY(list_features(), "listing a smaller input's edges");
        // Not reported again: a resumed run may as well begin with the larger one.
        if (corpus_.covers(features_.all(), parent)) corpus_.shrink(parent, input_.bytes(), features_.all());
    } else if (cases_ % observed_one_in == 0) {
        TRY(list_features(), "listing a case's edges");
        corpus_.observe(features_.all());
    }
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::keep(Source source) {
    TRY(list_features(), "listing a new input's edges");
    fresh_.count = 0;
    const u32 edges_before = coverage_.edges_seen();
    TRY(executor_.visit_counters([this](u32 first, Bytes piece) { coverage_.mark(first, piece, fresh_); }),
        "marking a new input's edges");
    for (const Feature feature : fresh_.all()) shared_.reached(feature / classes_per_edge);
    Entry about;
    about.found_case = cases_;
    about.fresh_edges = coverage_.edges_seen() - edges_before;
    about.source = source;
    about.reported = source == Source::known || source == Source::imported ||
                     (source == Source::seed && options_.core != 0);
    const u32 number = corpus_.add(input_.bytes(), features_.all(), about);
    if (number == no_entry) return rstate::done();
    next_report_ = min(next_report_, number);
    if (shared_.cores() > 1 && source == Source::found)
        static_cast<void>(shared_.lane(options_.core).send(input_.bytes(), corpus_.entry(number).hash));
    return rstate::done();
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::on_overrun() {
    // One input is told for each way of running away: those that reach what no such case has reached before.
    bool fresh = false;
    TRY(executor_.visit_counters([&](u32 first, Bytes piece) {
        if (!overruns_seen_.holds(first, piece.size()) || !overruns_seen_.shows_new(first, piece)) return;
        fresh = true;
        fresh_.count = 0;
        overruns_seen_.mark(first, piece, fresh_);
    }),
        "scanning the edges of a case that ran away", cases_);
    if (fresh) {
        write_overrun(outbox_.ordinary.begin(), outcome_->ending, cases_, options_.core, input_.bytes());
        if (!outbox_.ordinary.commit()) counts_.deferred.bump();
    }
    return reset();
}

// Whether `input` still crashes with this hash.
template <Executor E, Surroundings H>
rstate::Result<bool> Worker<E, H>::crashes_the_same(Bytes input, u64 hash) {
    TRY(run_case(input, {.edge_budget = edge_budget_}), "running a crash's input again", cases_);
    const bool same = outcome_->ending == vm::Ending::crash && outcome_->finding.hash == hash;
    TRY(reset(), "resetting after a crash", cases_);
    return same;
}

template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::on_crash() {
    vm::Finding finding = outcome_->finding;
    const u64 hash = finding.hash;
    const u64 found_case = cases_;
    TRY(reset(), "resetting after a crash", cases_);
    if (shared_.crashes().knows(hash)) return rstate::done();
    // With no room to tell of it, the crash stays unknown: it is found again when the console has caught up.
    if ((!outbox_.urgent.empty() && options_.pace == Pace::free) || shared_.crashes().full()) {
        counts_.deferred.bump();
        return rstate::done();
    }
    if (may_run() && !TRY(crashes_the_same(input_.bytes(), hash), "looking whether a crash repeats")) {
        rstate::report(FAIL(crash_not_repeated, "a crash that the same input does not give again", found_case,
                            finding.kind.data(), finding.address, hash),
                       "doubting a crash");
        return rstate::done();
    }
    if (!shared_.crashes().claim(hash)) return rstate::done();
    // From now on it counts as told, so it must be, however much triage comes to.
    auto triaged = triage(finding);
    write_crash(outbox_.urgent.begin(), {found_case, options_.core, input_.bytes(), &finding},
                options_.resolver);
    CHECK(outbox_.urgent.commit(), "an empty queue has room for any crash", input_.size());
    if (options_.pace == Pace::repeatable) host_.send_records();
    return triaged;
}

// Makes the input of a crash smaller, and finds out whether memory that nobody wrote decides about it.
template <Executor E, Surroundings H> rstate::Result<void> Worker<E, H>::triage(vm::Finding &finding) {
    const u64 hash = finding.hash;
    Shrinker shrinker(input_, proposal_);
    for (u32 i = 0; i < options_.triage_cases && may_run() && shrinker.propose(); ++i)
        if (TRY(crashes_the_same(proposal_.bytes(), hash), "making a crash's input smaller")) {
            shrinker.accept();
            finding = outcome_->finding;
        }
    CountedRuns counted{*this};
    if (may_run(fills_tried))
        finding.uninitialised = TRY(depends_on_fill(counted, input_.bytes(), hash, edge_budget_),
                                    "trying other fills of fresh memory", cases_);
    return rstate::done();
}

// All at once, so that a case's exits never stand without the case.
template <Executor E, Surroundings H> void Worker<E, H>::publish() {
    counts_.cases.store(cases_);
    counts_.done.store(endings_[static_cast<u32>(vm::Ending::done)]);
    counts_.crashes.store(endings_[static_cast<u32>(vm::Ending::crash)]);
    counts_.timeouts.store(endings_[static_cast<u32>(vm::Ending::timeout)]);
    counts_.out_of_memory.store(endings_[static_cast<u32>(vm::Ending::out_of_memory)]);
    const vm::Spent &spent = executor_.spent();
    counts_.take_in(spent);
    const u64 in_target = spent.guest_time - spent_before_.guest_time;
    counts_.time_all.store(host_.time() - started_);
    counts_.time_target.store(in_target);
    // A case that failed midway has been in the target without having counted as run.
    counts_.time_exits.store(time_running_ - min(time_running_, in_target));
    counts_.time_reset.store(spent.reset_time - spent_before_.reset_time);
    counts_.time_mutation.store(time_proposing_);
    counts_.edges.store(coverage_.edges_seen());
    counts_.features.store(coverage_.features_seen());
    counts_.corpus.store(corpus_.live_count());
    counts_.evicted.store(corpus_.evicted());
    counts_.refused.store(corpus_.refused());
    counts_.waiting.store(corpus_.end() - next_report_);
}

template <Executor E, Surroundings H> void Worker<E, H>::after_case() {
    report_corpus();
    host_.between_cases();
    if (cases_ % published_one_in != 0 && options_.pace == Pace::free) return;
    publish();
    if (options_.core != 0) return;
    const bool due = options_.pace == Pace::repeatable ? cases_ % options_.stats_every == 0
                                                       : host_.now_us() - last_stats_us_ >= 1'000'000;
    if (due) report_stats();
}

template <Executor E, Surroundings H> void Worker<E, H>::report_stats() {
    const u64 now = host_.now_us();
    last_stats_us_ = now;
    // Without room the console is a second behind, and the next record says the same and more.
    if (!outbox_.statistics.empty()) return;
    stats_.write(outbox_.statistics.begin(), shared_, host_.figures(), now - started_us_);
    if (outbox_.statistics.commit() && options_.pace == Pace::repeatable) host_.send_records();
}

template <Executor E, Surroundings H> void Worker<E, H>::report_corpus() {
    for (; next_report_ < corpus_.end(); ++next_report_) {
        Entry &entry = corpus_.entry(next_report_);
        if (!entry.live || entry.reported) continue;
        write_corpus(outbox_.ordinary.begin(), entry, corpus_.data(next_report_), options_.core);
        if (!outbox_.ordinary.commit()) return;
        entry.reported = true;
        if (options_.pace == Pace::repeatable) host_.send_records();
    }
}

template <Executor E, Surroundings H> bool Worker<E, H>::flush() {
    report_corpus();
    return next_report_ == corpus_.end();
}

template <Executor E, Surroundings H> bool Worker<E, H>::report_last() {
    if (stats_.last_case() == shared_.cases()) return true;
    if (!outbox_.statistics.empty()) return false;
    report_stats();
    return true;
}

} // namespace fuzz
