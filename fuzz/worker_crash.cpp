// fuzz/worker_crash.cpp — from a crash to its report: deduplicate by crash hash, reproduce, minimize, report.
#include "fuzz/codes.h"
#include "fuzz/minimizer.h"
#include "fuzz/worker.h"

namespace fuzz {

rstate::Result<void> Worker::handle_crash() {
    vm::Finding finding = outcome_->finding;
    const u64 found_case = cases_;
    crash_edges_ = outcome_->edges_spent;
    const bool known = shared_.crashes().known(finding.hash);
    if (!known)
        printed_ = TRY(executor_.read_output(output_room_), "keeping what the target printed", cases_);
    TRY(reset(), "resetting after a crash", cases_);
    if (known) {
        shared_.crashes().count_again(finding.hash);
        return rstate::done();
    }
    // Without room for its record a crash stays unknown: it is found again when the console has caught up.
    if ((!outbox_.urgent.empty() && options_.pace == Pace::free) || shared_.crashes().full()) {
        counts_.deferred.bump();
        return rstate::done();
    }
    // A repetition that the end of the run cut short says nothing against the crash.
    if (may_run() && !TRY(crashes_the_same(input_.bytes(), finding.hash, {}), "reproducing a crash") &&
        outcome_->ending != vm::Ending::stopped) {
        rstate::report(FAIL(crash_not_repeated, "the same input does not crash again", found_case,
                            finding.kind.data(), finding.address, finding.hash),
                       "not reporting a crash");
        return rstate::done();
    }
    if (!shared_.crashes().claim(finding.hash)) return rstate::done();
    return report_crash(finding, found_case);
}

// The hash is claimed, so no other core reports this crash: the record must be queued even when the minimizer
// fails.
rstate::Result<void> Worker::report_crash(vm::Finding &finding, u64 found_case) {
    original_.resize(0);
    if (input_.size() <= original_.capacity()) original_.assign(input_.bytes());
    auto minimized = minimize_crash(finding);
    const Crash crash = {found_case,        options_.core, input_.bytes(), &finding,
                         vm::Ending::crash, crash_edges_,  printed_,       original_.bytes()};
    write_crash(outbox_.urgent.begin(), crash, options_.resolver);
    shared_.last_crash().store(short_chain(crash, options_.resolver));
    CHECK(outbox_.urgent.commit(), "an empty queue has room for any crash", input_.size());
    if (options_.pace == Pace::repeatable) platform_.send_records();
    return minimized;
}

// Makes the crash's input in input_ smaller, and finds out whether the crash depends on uninitialised memory.
rstate::Result<void> Worker::minimize_crash(vm::Finding &finding) {
    const u64 hash = finding.hash;
    Minimizer minimizer(input_, proposal_);
    for (u32 i = 0; i < options_.minimize_cases && may_run() && minimizer.propose(); ++i)
        if (TRY(crashes_the_same(proposal_.bytes(), hash, {}), "minimizing a crash's input")) {
            minimizer.accept();
            finding = outcome_->finding;
        }
    if (!may_run(fills_tried)) return rstate::done();
    finding.uninitialised =
        TRY(depends_on_fill([&](u8 fill) { return crashes_the_same(input_.bytes(), hash, {.fill = fill}); }),
            "trying other fills of fresh memory", cases_);
    return rstate::done();
}

// Whether `input` still crashes with this hash.
rstate::Result<bool> Worker::crashes_the_same(Bytes input, u64 hash, vm::CaseOptions options) {
    options.edge_budget =
        max(edge_budget_, crash_edges_ + 1); // it may have been found beyond the first budget
    TRY(run_case(input, options), "running a crash's input again", cases_);
    const bool same = outcome_->ending == vm::Ending::crash && outcome_->finding.hash == hash;
    if (same && options.fill == vm::CaseOptions().fill)
        printed_ = TRY(executor_.read_output(output_room_), "keeping what the target printed", cases_);
    TRY(reset(), "resetting after a crash", cases_);
    return same;
}

} // namespace fuzz
