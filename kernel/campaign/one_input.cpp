// kernel/campaign/one_input.cpp — see one_input.h.
#include "kernel/campaign/one_input.h"

#include "fuzz/edge_budget.h"
#include "fuzz/refused_record.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"

namespace kernel {

namespace {

rstate::Result<u64> edge_budget(Process &process, const boot::Bundle &bundle, const boot::Options &options) {
    fuzz::EdgeBudget budget(timeout_edges(options));
    const u64 capacity = process.snapshot_point().control.input_capacity;
    const u64 longest = options.max_len != 0 ? min(options.max_len, capacity) : capacity;
    for (u32 i = bundle.next("seed/"); i < bundle.count(); i = bundle.next("seed/", i + 1)) {
        const Bytes seed = bundle.entry(i).data;
        const vm::Outcome *outcome = TRY(
            process.run_case(seed.first(min(seed.size(), longest)), {.edge_budget = budget.for_each_seed()}),
            "running a seed to count its edges", i);
        if (outcome->ending == vm::Ending::done) budget.add(outcome->edges_spent);
        TRY(process.reset(), "resetting after a seed", i);
    }
    return budget.for_timeouts();
}

} // namespace

rstate::Result<u64> start_for_inputs(SnapshotSession &session, const boot::Bundle &bundle,
                                     const boot::Options &options, u64 ticks_per_second) {
    start_ticks(tick_milliseconds, ticks_per_second);
    session.set_schedule(options.threads);
    TRY(session.start(bundle, options), "running the target to its snapshot");
    return edge_budget(session.process(), bundle, options);
}

rstate::Result<> list_features(Process &process, fuzz::FeatureList &features) {
    features.count = 0;
    const u32 edges = process.counter_count();
    TRY(process.visit_counters([&](u32 first, Bytes piece) {
        if (first <= edges && piece.size() <= edges - first) fuzz::Coverage::list(first, piece, features);
    }),
        "listing the edges of a case");
    return rstate::done();
}

void write_end_record(Text status, u64 cases) {
    fuzz::write_end(record_output, status, cases);
    end_record();
}

void write_finding(SnapshotSession &session, Bytes input, const vm::Finding &finding, vm::Ending ending,
                   u64 edges, const vm::Printed &printed, u64 run) {
    const rstate::Resolver resolver = session.target().program().symbols().resolver();
    fuzz::write_crash(record_output, {run, current_core(), input, &finding, ending, edges, printed},
                      &resolver);
    end_record();
}

void write_refused_calls(SnapshotSession &session) {
    const rstate::Resolver resolver = session.target().program().symbols().resolver();
    for (const vm::RefusedCall &call : session.process().refused_calls()) {
        fuzz::write_refused(record_output, call, current_core(), &resolver);
        end_record();
    }
}

rstate::Result<bool> depends_on_fill(Process &process, Bytes input, u64 budget, u64 hash) {
    return fuzz::depends_on_fill([&](u8 fill) -> rstate::Result<bool> {
        const vm::Outcome *outcome = TRY(process.run_case(input, {.edge_budget = budget, .fill = fill}),
                                         "running the input again", fill);
        const bool same = outcome->ending == vm::Ending::crash && outcome->finding.hash == hash;
        TRY(process.reset(), "resetting after another fill", fill);
        return same;
    });
}

} // namespace kernel
