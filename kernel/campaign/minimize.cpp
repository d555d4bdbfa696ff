// kernel/campaign/minimize.cpp — makes one input smaller. Each step is a case from the snapshot, so that it
// takes no boot.
#include "base/log.h"
#include "boot/contract/exit.h"
#include "fuzz/examined_record.h"
#include "kernel/campaign/campaign.h"
#include "kernel/campaign/one_input.h"
#include "kernel/console.h"

namespace kernel {

namespace {

constexpr u64 runs_between_records = 1000; // chosen: the host hears of progress, and keeps it when stopped

class InputMinimizer final {
  public:
    InputMinimizer(SnapshotSession &session, u64 budget, u64 most_runs)
        : session_(session), budget_(budget), most_runs_(most_runs != 0 ? most_runs : ~0ul) {}
    rstate::Result<> allocate(usize size);
    rstate::Result<> minimize(Bytes input);

  private:
    rstate::Result<> run_first(Bytes input);
    rstate::Result<bool> ends_the_same(Bytes input);
    rstate::Result<bool> shrink_once(fuzz::Buffer &smallest, fuzz::Buffer &proposal);
    rstate::Result<> list_edges(fuzz::FeatureList &edges);
    bool may_run() const { return runs_ < most_runs_; }
    void report(Bytes input, bool done);

    SnapshotSession &session_;
    u64 budget_, most_runs_, runs_ = 0;
    mm::OwnedArray<u8> smallest_, proposal_;
    mm::OwnedArray<fuzz::Feature> wanted_room_, seen_room_;
    fuzz::FeatureList wanted_, seen_; // of edges, without their hit counts
    vm::Ending ending_ = vm::Ending::done;
    u64 hash_ = 0;
    bool kept_ = true; // the harness does not ask to leave the input out of the corpus
};

rstate::Result<> InputMinimizer::allocate(usize size) {
    const usize edges = session_.process().counter_count();
    smallest_ = TRY(mm::allocate_array<u8>(world->allocator, size + 1), "allocating room for the smallest");
    proposal_ = TRY(mm::allocate_array<u8>(world->allocator, size + 1), "allocating room for a proposal");
    wanted_room_ = TRY(mm::allocate_array<fuzz::Feature>(world->allocator, edges + 1),
                       "allocating room for the input's edges", edges);
    seen_room_ = TRY(mm::allocate_array<fuzz::Feature>(world->allocator, edges + 1),
                     "allocating room for a proposal's edges", edges);
    wanted_.room = wanted_room_.span(), seen_.room = seen_room_.span();
    return rstate::done();
}

rstate::Result<> InputMinimizer::list_edges(fuzz::FeatureList &edges) {
    TRY(list_features(session_.process(), edges), "listing the edges of a case");
    for (fuzz::Feature &feature : edges.room.first(edges.count)) feature /= fuzz::classes_per_edge;
    return rstate::done();
}

rstate::Result<> InputMinimizer::run_first(Bytes input) {
    const vm::Outcome *outcome =
        TRY(session_.process().run_case(input, {.edge_budget = budget_}), "running the input", input.size());
    ++runs_;
    ending_ = outcome->ending, kept_ = outcome->value >= 0;
    if (ending_ == vm::Ending::done)
        TRY(list_edges(wanted_), "listing the input's edges");
    else
        hash_ = outcome->finding.hash;
    return session_.process().reset();
}

rstate::Result<bool> InputMinimizer::ends_the_same(Bytes input) {
    const vm::Outcome *outcome = TRY(session_.process().run_case(input, {.edge_budget = budget_}),
                                     "running a smaller input", input.size());
    ++runs_;
    bool same = outcome->ending == ending_;
    if (same && ending_ != vm::Ending::done) same = outcome->finding.hash == hash_;
    if (same && ending_ == vm::Ending::done) {
        TRY(list_edges(seen_), "listing a smaller input's edges");
        same = (outcome->value >= 0) == kept_ && seen_.count == wanted_.count &&
               __builtin_memcmp(seen_.all().data(), wanted_.all().data(),
                                seen_.count * sizeof(fuzz::Feature)) == 0;
    }
    TRY(session_.process().reset(), "resetting after a smaller input");
    return same;
}

void InputMinimizer::report(Bytes input, bool done) {
    fuzz::write_minimized(record_output, {runs_, ending_, hash_, done, input});
    end_record();
}

// One pass over the input, from large blocks to single bytes; true when it left something out.
rstate::Result<bool> InputMinimizer::shrink_once(fuzz::Buffer &smallest, fuzz::Buffer &proposal) {
    bool smaller = false;
    fuzz::Minimizer steps(smallest, proposal);
    while (may_run() && steps.propose()) {
        if (TRY(ends_the_same(proposal.bytes()), "trying a smaller input", runs_, proposal.size()))
            steps.accept(), smaller = true;
        if (runs_ % runs_between_records == 0) report(smallest.bytes(), false);
    }
    return smaller;
}

rstate::Result<> InputMinimizer::minimize(Bytes input) {
    fuzz::Buffer smallest(smallest_.span()), proposal(proposal_.span());
    smallest.assign(input);
    TRY(run_first(input), "running the input as it is");
    // What one pass leaves out may let another one leave out more.
    while (may_run() && TRY(shrink_once(smallest, proposal), "leaving out parts of the input", runs_))
        report(smallest.bytes(), false);
    report(smallest.bytes(), true);
    write_end_record(fuzz::ending_name(ending_), runs_);
    return rstate::done();
}

} // namespace

rstate::Result<u32> minimize(const boot::Bundle &bundle, const boot::Options &options, u64 ticks_per_second) {
    SnapshotSession session;
    const u64 budget =
        TRY(start_for_inputs(session, bundle, options, ticks_per_second), "preparing the target");
    const Bytes input = TRY(bundle.find("input/0"), "finding the input in the bundle");
    InputMinimizer minimizer(session, budget, options.cases);
    TRY(minimizer.allocate(input.size()), "allocating room", input.size());
    log_formatted("7 minimizing an input of {} bytes, {} edges allowed", input.size(), budget);
    TRY(minimizer.minimize(input), "minimizing an input", input.size());
    return u32{boot::exit_ok};
}

} // namespace kernel
