// kernel/campaign/replay.cpp — one input, once: what a fuzzing run says of it, said again.
#include "base/log.h"
#include "boot/contract/exit.h"
#include "fuzz/edge_budget.h"
#include "fuzz/minimizer.h"
#include "fuzz/records.h"
#include "kernel/campaign/campaign.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"

namespace kernel {

namespace {

const Output record_output{[](void *, Text text) { write_record(text); }, nullptr};

// The budget that a fuzzing run would give each case, so that a timeout there is one here.
rstate::Result<u64> edge_budget(Process &process, const boot::Bundle &bundle, const boot::Options &options) {
    if (options.edge_budget != 0) return options.edge_budget;
    fuzz::EdgeBudget budget;
    for (u32 i = bundle.next("seed/"); i < bundle.count(); i = bundle.next("seed/", i + 1)) {
        const vm::Outcome *outcome =
            TRY(process.run_case(bundle.entry(i).data, {.edge_budget = budget.for_seeds}),
                "running a seed for its edges", i);
        if (outcome->ending == vm::Ending::done) budget.add(outcome->edges_spent);
        TRY(process.reset(), "resetting after a seed", i);
    }
    return budget.for_cases();
}

void tell_crash(Bytes input, const vm::Finding &finding, const rstate::Resolver &resolver) {
    fuzz::write_crash(record_output, {1, current_core(), input, &finding}, &resolver);
    end_record();
}

rstate::Result<bool> depends_on_fill(Process &process, Bytes input, u64 hash, u64 budget) {
    return fuzz::depends_on_fill([&](u8 fill) -> rstate::Result<bool> {
        const vm::Outcome *outcome = TRY(process.run_case(input, {.edge_budget = budget, .fill = fill}),
                                         "running the input again", fill);
        const bool same = outcome->ending == vm::Ending::crash && outcome->finding.hash == hash;
        TRY(process.reset(), "resetting after another fill", fill);
        return same;
    });
}

} // namespace

rstate::Result<u32> replay(const boot::Bundle &bundle, const boot::Options &options, u64 tsc_hz) {
    Target target = TRY(Target::load(bundle), "loading the target", options.target.data());
    auto svm = TRY(start_svm(), "preparing this core");
    Machine machine = TRY(make_machine(*svm, target), "making the machine");
    start_ticks(tick_milliseconds, tsc_hz);
    Process process = TRY(target.take_snapshot(machine), "taking the snapshot that every case starts from");
    const rstate::Resolver resolver = target.program().symbols().resolver();
    const u64 budget = TRY(edge_budget(process, bundle, options), "finding the edge budget");
    const Bytes input = TRY(bundle.find("replay"), "finding the input in the bundle");

    log_formatted("7 replaying an input of {} bytes, {} edges allowed", input.size(), budget);
    const vm::Outcome *outcome =
        TRY(process.run_case(input, {.edge_budget = budget}), "running the input", input.size());
    u32 status = boot::exit_ok;
    const vm::Ending ending = outcome->ending;
    switch (ending) {
    case vm::Ending::done:
        LOG(kernel, "no crash: the harness returned {} after {} edges", outcome->value, outcome->edges_spent);
        break;
    case vm::Ending::timeout:
        fuzz::write_overrun(record_output, ending, 1, current_core(), input);
        end_record();
        status = boot::exit_target_timed_out;
        break;
    case vm::Ending::out_of_memory:
        return FAIL(vm::out_of_memory, "this input needs a machine with more memory", input.size(),
                    target.memory_size(), world->frames.free_frames());
    case vm::Ending::crash: {
        vm::Finding finding = outcome->finding;
        TRY(process.reset(), "resetting after the crash");
        finding.uninitialised =
            TRY(depends_on_fill(process, input, finding.hash, budget), "trying other fills of fresh memory");
        tell_crash(input, finding, resolver);
        status = boot::exit_target_crashed;
        break;
    }
    }
    const Text names[] = {"ok", "crash", "timeout"};
    fuzz::write_end(record_output, names[static_cast<u32>(ending)], 1);
    end_record();
    return status;
}

} // namespace kernel
