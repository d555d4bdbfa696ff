// kernel/campaign/replay.cpp — runs one input once and reports what it does, as a campaign would.
#include "base/log.h"
#include "boot/contract/exit.h"
#include "kernel/campaign/campaign.h"
#include "kernel/campaign/debugger_hold.h"
#include "kernel/campaign/one_input.h"

namespace kernel {

namespace {

u32 report_overrun(SnapshotSession &session, Bytes input, const vm::Outcome &outcome) {
    write_finding(session, input, outcome.finding, outcome.ending, outcome.edges_spent);
    const bool starved = outcome.ending == vm::Ending::out_of_memory;
    write_end_record(starved ? "out_of_memory" : "timeout");
    return starved ? boot::exit_target_crashed : boot::exit_target_timed_out;
}

rstate::Result<u32> report_crash(SnapshotSession &session, Bytes input, u64 budget, vm::Finding finding,
                                 u64 edges) {
    Process &process = session.process();
    auto room = TRY(mm::allocate_array<u8>(world->allocator, vm::most_printed), "allocating room for output");
    const vm::Printed printed = TRY(process.read_output(room.span()), "keeping what the target printed");
    TRY(process.reset(), "resetting after the crash");
    finding.uninitialised =
        TRY(depends_on_fill(process, input, budget, finding.hash), "trying other fills of fresh memory");
    write_finding(session, input, finding, vm::Ending::crash, edges, printed);
    write_end_record("crash");
    return boot::exit_target_crashed;
}

// Each run ends with another leak as its finding; returns how many there are.
rstate::Result<u32> report_leaks(SnapshotSession &session, Bytes input, u64 budget) {
    constexpr u8 most_leaks = 64; // chosen
    for (u8 leak = 1; leak <= most_leaks; ++leak) {
        TRY(session.process().reset(), "resetting before a leak is searched", leak);
        const vm::Outcome *outcome =
            TRY(session.process().run_case(input, {.edge_budget = budget, .leak = leak}),
                "running the input again to list a leak", leak);
        if (outcome->ending != vm::Ending::crash) return leak - 1u;
        write_finding(session, input, outcome->finding, outcome->ending, outcome->edges_spent);
    }
    LOG(kernel, "the input leaks more than {} blocks: the others are not listed", most_leaks);
    return u32{most_leaks};
}

rstate::Result<u32> report_no_crash(SnapshotSession &session, Bytes input, u64 budget,
                                    const vm::Outcome &outcome, bool leaks) {
    LOG(kernel, "no crash: the harness returned {} after {} edges", outcome.value, outcome.edges_spent);
    if (!leaks) {
        write_end_record("ok");
        return u32{boot::exit_ok};
    }
    const u32 found = TRY(report_leaks(session, input, budget), "listing what the input leaks");
    LOG(kernel, "{} blocks were allocated in the case, and nothing reaches them", found);
    write_end_record(found != 0 ? "crash" : "ok");
    return u32{found != 0 ? boot::exit_target_crashed : boot::exit_ok};
}

rstate::Result<u32> run_and_report(SnapshotSession &session, Bytes input, u64 budget,
                                   const boot::Options &options) {
    const vm::Outcome *outcome =
        TRY(session.process().run_case(input, {.edge_budget = budget, .show_output = options.target_output}),
            "running the input", input.size());
    if (options.hold) hold_for_debugger(session);
    write_refused_calls(session);
    switch (outcome->ending) {
    case vm::Ending::done:
        return report_no_crash(session, input, budget, *outcome, options.leaks);
    case vm::Ending::timeout:
    case vm::Ending::out_of_memory:
        return report_overrun(session, input, *outcome);
    case vm::Ending::crash:
        return report_crash(session, input, budget, outcome->finding, outcome->edges_spent);
    case vm::Ending::stopped: // a replay is never asked to stop
        break;
    }
    return rstate::Result<u32>(boot::exit_system_failed);
}

} // namespace

rstate::Result<u32> replay(const boot::Bundle &bundle, const boot::Options &options, u64 ticks_per_second) {
    SnapshotSession session;
    const u64 budget =
        TRY(start_for_inputs(session, bundle, options, ticks_per_second), "preparing the target");
    const Bytes input = TRY(bundle.find("replay"), "finding the input in the bundle");
    log_formatted("7 replaying an input of {} bytes, {} edges allowed", input.size(), budget);
    return run_and_report(session, input, budget, options);
}

} // namespace kernel
