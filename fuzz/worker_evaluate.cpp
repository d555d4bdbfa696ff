// fuzz/worker_evaluate.cpp — what a case's ending and its edge coverage mean: keeps inputs with new coverage
// in the corpus. Every path resets the machine.
#include "fuzz/codes.h"
#include "fuzz/worker.h"

namespace fuzz {

// One case in this many updates how often features are hit: listing all features costs more than the scan for
// new ones.
constexpr u64 hits_counted_one_in = 32;

// `parent`: the corpus entry that the input was made from, or no_entry.
rstate::Result<void> Worker::evaluate(u32 parent, Source source) {
    switch (outcome_->ending) {
    case vm::Ending::done:
        TRY(update_corpus(parent, source), "updating the corpus after a case", cases_);
        return reset();
    case vm::Ending::crash:
        return handle_crash();
    case vm::Ending::timeout:
    case vm::Ending::out_of_memory:
        return handle_overrun(parent, source);
    case vm::Ending::stopped:
        return reset();
    }
    return rstate::done();
}

// Keeps the input when it shows new coverage, or when it covers what its parent owns with fewer bytes.
rstate::Result<void> Worker::update_corpus(u32 parent, Source source) {
    if (outcome_->value < 0) return rstate::done(); // the harness asks not to keep this input
    // All features of a smaller input are listed only when it shows its parent's witness.
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
    if (fresh) return add_to_corpus(source);
    if (witnessed) {
        TRY(list_features(), "listing a smaller input's edges");
        // The replacement is not reported: a resumed run may begin with the larger input.
        if (corpus_.covers(features_.all(), parent)) corpus_.replace(parent, input_.bytes(), features_.all());
    } else if (cases_ % hits_counted_one_in == 0) {
        TRY(list_features(), "listing a case's edges");
        corpus_.count_hits(features_.all());
    }
    return rstate::done();
}

// Gives the others' report about how many of this core's cases reached each edge. A known feature begins with
// one hit, and counts each hit of the cases that are counted.
void Worker::share_hits() {
    for (const Feature feature : corpus_.known_features()) {
        const u64 hits = corpus_.hits(feature);
        shared_.add_hits(feature / classes_per_edge, 1 + (hits - 1) * hits_counted_one_in);
    }
}

rstate::Result<void> Worker::list_features() {
    features_.count = 0;
    TRY(executor_.visit_counters([this](u32 first, Bytes piece) {
        if (coverage_.holds(first, piece.size())) Coverage::list(first, piece, features_);
    }),
        "listing the edges of a case", cases_);
    return rstate::done();
}

rstate::Result<void> Worker::add_to_corpus(Source source) {
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
        static_cast<void>(shared_.input_ring(options_.core).send(input_.bytes(), corpus_.entry(number).hash));
    return rstate::done();
}

} // namespace fuzz
