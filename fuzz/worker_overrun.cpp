// fuzz/worker_overrun.cpp — cases that exceed a limit. One that uses its edge budget up and reaches what no
// such case has reached is run again with the budget of a timeout: it may only be slow. Only what exceeds
// that one too is a timeout, so that the same endless loop is not paid for twice. Every path resets the
// machine.
#include "fuzz/worker.h"

namespace fuzz {

// Without room for a record nothing is decided: such a case comes again when the console has caught up.
bool Worker::may_report() const {
    return (outbox_.urgent.empty() || options_.pace == Pace::repeatable) && !shared_.timeouts().full() &&
           !shared_.starved().full();
}

rstate::Result<void> Worker::handle_overrun(u32 parent, Source source) {
    if (!may_report()) {
        counts_.deferred.bump();
        return reset();
    }
    if (!TRY(shows_new_overrun(), "scanning the edges of a case that exceeds a limit", cases_))
        return reset();
    const bool may_be_slow = outcome_->ending == vm::Ending::timeout && edge_budget_ < timeout_edges_ &&
                             outcome_->edges_spent >= edge_budget_;
    return may_be_slow && may_run() ? run_again(parent, source) : report_overrun();
}

// Whether this case reaches edges that none which exceeded a limit has reached; remembers them.
rstate::Result<bool> Worker::shows_new_overrun() {
    bool fresh = false;
    TRY(executor_.visit_counters([&](u32 first, Bytes piece) {
        if (!overrun_coverage_.holds(first, piece.size()) || !overrun_coverage_.shows_new(first, piece))
            return;
        fresh = true;
        fresh_.count = 0;
        overrun_coverage_.mark(first, piece, fresh_);
    }),
        "scanning the edges of a case", cases_);
    return fresh;
}

rstate::Result<void> Worker::run_again(u32 parent, Source source) {
    TRY(reset(), "resetting before a case is run again", cases_);
    TRY(run_case(input_.bytes(), {.edge_budget = timeout_edges_}), "running a slow case again", cases_);
    switch (outcome_->ending) {
    case vm::Ending::done:
        // It is slow: inputs like it may spend as much.
        edge_budget_ = min(timeout_edges_, max(edge_budget_, 2 * outcome_->edges_spent));
        return evaluate(parent, source);
    case vm::Ending::crash:
    case vm::Ending::stopped:
        return evaluate(parent, source);
    default:
        return report_overrun();
    }
}

rstate::Result<void> Worker::report_overrun() {
    const vm::Finding &finding = outcome_->finding;
    // A replay gives it as many edges; one that ended by its deadline had more left.
    const u64 edges = outcome_->edges_spent >= edge_budget_ ? outcome_->edges_spent : 0;
    CrashDedup &known = outcome_->ending == vm::Ending::timeout ? shared_.timeouts() : shared_.starved();
    if (known.claim(finding.hash)) {
        printed_ = TRY(executor_.read_output(output_room_), "keeping what the target printed", cases_);
        write_crash(outbox_.urgent.begin(),
                    {cases_, options_.core, input_.bytes(), &finding, outcome_->ending, edges, printed_},
                    options_.resolver);
        CHECK(outbox_.urgent.commit(), "an empty queue has room for any record", input_.size());
        if (options_.pace == Pace::repeatable) platform_.send_records();
    }
    return reset();
}

} // namespace fuzz
