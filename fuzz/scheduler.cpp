// fuzz/scheduler.cpp — see scheduler.h. The constants were tuned by measurement: docs/fuzz.md.
#include "fuzz/scheduler.h"

namespace fuzz {

namespace {

// Features drawn for one selection.
constexpr u32 draws = 8;
// One selection in this many takes any input.
constexpr u64 any_in = 16;
// Cases of one visit to an input. In the first visit the comparisons of the input itself are solved.
constexpr u32 visit_cases = 8, first_visit_cases = 32;

} // namespace

u32 Scheduler::select(Corpus &corpus, Random &random) {
    u32 selected = no_entry;
    const Span<const Feature> known = corpus.known_features();
    if (!known.empty() && !random.one_in(any_in)) {
        u32 fewest = ~0u;
        for (u32 i = 0; i < draws; ++i) {
            const Feature feature = known.data()[random.below(known.size())];
            const u32 owner = corpus.owner(feature), hits = corpus.hits(feature);
            if (owner == no_entry || hits >= fewest) continue;
            fewest = hits;
            selected = owner;
        }
    }
    if (selected == no_entry) selected = corpus.any(random);
    ++corpus.entry(selected).visits;
    return selected;
}

Scheduler::Choice Scheduler::next(Corpus &corpus, Random &random) {
    if (corpus.empty()) {
        entry_ = no_entry, cases_left_ = 0;
        return {};
    }
    const bool starts = cases_left_ == 0 || !corpus.entry(entry_).live;
    if (starts) {
        entry_ = select(corpus, random);
        first_visit_ = corpus.entry(entry_).visits == 1;
        cases_left_ = first_visit_ ? first_visit_cases : visit_cases;
    }
    --cases_left_;
    return {entry_, starts, first_visit_};
}

} // namespace fuzz
