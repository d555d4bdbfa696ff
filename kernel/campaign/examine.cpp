// kernel/campaign/examine.cpp — runs each of many inputs once, from the snapshot, and reports how it ended
// and which features it reaches. What the host does with that: merge, triage, coverage.
#include "base/log.h"
#include "boot/contract/exit.h"
#include "fuzz/crash_dedup.h"
#include "fuzz/examined_record.h"
#include "kernel/campaign/campaign.h"
#include "kernel/campaign/one_input.h"
#include "kernel/console.h"

namespace kernel {

namespace {

constexpr Text input_prefix = "input/";

class Examiner final {
  public:
    Examiner(SnapshotSession &session, u64 budget, const boot::Options &options)
        : session_(session), budget_(budget), options_(options) {}
    rstate::Result<> allocate();
    rstate::Result<> examine(u64 index, Bytes input);

  private:
    rstate::Result<> run(Bytes input, fuzz::Examined &examined);
    rstate::Result<> report(Bytes input, vm::Finding &finding, const fuzz::Examined &examined);
    rstate::Result<> try_variants(Bytes input, fuzz::Examined &examined);
    rstate::Result<u64> run_variant(Bytes input, vm::CaseOptions variant);

    SnapshotSession &session_;
    u64 budget_;
    const boot::Options &options_;
    mm::Owned<fuzz::CrashDedup> reported_;
    mm::OwnedArray<fuzz::Feature> feature_room_;
    mm::OwnedArray<u8> packed_, output_;
    fuzz::FeatureList features_;
    u64 runs_ = 0;
};

rstate::Result<> Examiner::allocate() {
    const usize edges = session_.process().counter_count();
    reported_ = TRY(mm::allocate<fuzz::CrashDedup>(world->allocator), "allocating the set of crash hashes");
    feature_room_ = TRY(mm::allocate_array<fuzz::Feature>(world->allocator, edges + 1),
                        "allocating room for an input's features", edges);
    features_.room = feature_room_.span();
    packed_ = TRY(mm::allocate_array<u8>(world->allocator, (edges + 1) * fuzz::longest_packed_feature),
                  "allocating room for an input's packed features", edges);
    output_ = TRY(mm::allocate_array<u8>(world->allocator, vm::most_printed), "allocating room for output");
    return rstate::done();
}

// The chain and record of a finding, once for each hash; the machine is reset.
rstate::Result<> Examiner::report(Bytes input, vm::Finding &finding, const fuzz::Examined &examined) {
    vm::Printed printed;
    const bool fresh = reported_->claim(finding.hash);
    if (fresh)
        printed = TRY(session_.process().read_output(output_.span()), "keeping what the target printed");
    TRY(session_.process().reset(), "resetting after a finding", examined.index);
    if (!fresh) return rstate::done();
    if (examined.ending == vm::Ending::crash)
        finding.uninitialised = TRY(depends_on_fill(session_.process(), input, budget_, finding.hash),
                                    "trying other fills of fresh memory");
    write_finding(session_, input, finding, examined.ending, examined.edges, printed, runs_);
    return rstate::done();
}

rstate::Result<> Examiner::run(Bytes input, fuzz::Examined &examined) {
    const vm::Outcome *outcome = TRY(
        session_.process().run_case(input, {.edge_budget = budget_, .show_output = options_.target_output}),
        "running an input", input.size());
    ++runs_;
    examined.ending = outcome->ending, examined.value = outcome->value, examined.edges = outcome->edges_spent;
    TRY(list_features(session_.process(), features_), "listing what an input reaches");
    if (outcome->ending == vm::Ending::done) {
        TRY(session_.process().reset(), "resetting after an input");
        return rstate::done();
    }
    vm::Finding finding = outcome->finding;
    examined.hash = finding.hash;
    return report(input, finding, examined);
}

// The hash of the crash that a variant of a case ends with, which is reported, or 0.
rstate::Result<u64> Examiner::run_variant(Bytes input, vm::CaseOptions variant) {
    variant.edge_budget = budget_;
    const vm::Outcome *outcome =
        TRY(session_.process().run_case(input, variant), "running a variant of a case");
    fuzz::Examined examined{.ending = outcome->ending, .edges = outcome->edges_spent};
    if (outcome->ending != vm::Ending::crash) {
        TRY(session_.process().reset(), "resetting after a variant");
        return u64{0};
    }
    vm::Finding finding = outcome->finding;
    TRY(report(input, finding, examined), "reporting the crash of a variant");
    return finding.hash;
}

rstate::Result<> Examiner::try_variants(Bytes input, fuzz::Examined &examined) {
    for (const u8 fill : fuzz::other_fills)
        if (examined.other_fill_hash == 0)
            examined.other_fill_hash =
                TRY(run_variant(input, {.fill = fill}), "trying another fill of fresh memory", fill);
    examined.leak_hash = TRY(run_variant(input, {.leak = 1}), "looking for a leak");
    return rstate::done();
}

rstate::Result<> Examiner::examine(u64 index, Bytes input) {
    fuzz::Examined examined{.index = index};
    TRY(run(input, examined), "running an input", index);
    if (options_.variants && examined.ending == vm::Ending::done)
        TRY(try_variants(input, examined), "running variants of a case", index);
    examined.features = packed_.span().first(fuzz::pack_features(features_.all(), packed_.span()));
    fuzz::write_examined(record_output, examined);
    end_record();
    return rstate::done();
}

} // namespace

rstate::Result<u32> examine(const boot::Bundle &bundle, const boot::Options &options, u64 ticks_per_second) {
    SnapshotSession session;
    const u64 budget =
        TRY(start_for_inputs(session, bundle, options, ticks_per_second), "preparing the target");
    Examiner examiner(session, budget, options);
    TRY(examiner.allocate(), "allocating tables");
    log_formatted("7 examining inputs, {} edges allowed", budget);
    u64 count = 0;
    for (u32 i = bundle.next(input_prefix); i < bundle.count(); i = bundle.next(input_prefix, i + 1))
        TRY(examiner.examine(count++, bundle.entry(i).data), "examining an input", i);
    write_refused_calls(session);
    LOG(kernel, "{} inputs were examined", count);
    write_end_record("ok", count);
    return u32{boot::exit_ok};
}

} // namespace kernel
