// kernel/campaign/campaign.cpp — a fuzzing campaign from the snapshot to the end record; see campaign.h.
#include "kernel/campaign/campaign.h"

#include "base/log.h"
#include "kernel/campaign/memory_shares.h"
#include "kernel/campaign/one_input.h"
#include "kernel/campaign/worker_core.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/introspect/leak_check.h"
#include "kernel/smp/jobs.h"

namespace kernel {

namespace {

rstate::Result<fuzz::GivenTokens> read_dictionary(const boot::Bundle &bundle) {
    if (!bundle.has("dict")) return fuzz::GivenTokens();
    const Bytes packed = TRY(bundle.find("dict"), "finding the dictionary in the bundle");
    return TRY(fuzz::GivenTokens::read(packed), "reading its tokens", packed.size());
}

rstate::Result<mm::OwnedArray<fuzz::Seed>> list_seeds(const boot::Bundle &bundle) {
    auto seeds =
        TRY(mm::allocate_array<fuzz::Seed>(world->allocator, bundle.count()), "allocating the list of seeds");
    usize count = 0;
    for (u32 i = 0; i < bundle.count(); ++i) {
        const boot::Bundle::Entry entry = bundle.entry(i);
        if (entry.name.starts_with("seed/")) seeds[count++] = {entry.data, fuzz::Source::seed};
        if (entry.name.starts_with("corpus/")) seeds[count++] = {entry.data, fuzz::Source::known};
    }
    for (usize i = count; i < seeds.size(); ++i) seeds[i] = {Bytes(), fuzz::Source::known}; // the empty input
    return seeds;
}

// One line about seeds that are used only in part.
void report_cut_seeds(Span<const fuzz::Seed> seeds, u64 max_len) {
    u64 cut = 0;
    for (const fuzz::Seed &seed : seeds) cut += seed.data.size() > max_len;
    if (cut != 0)
        LOG(kernel, "{} of {} seeds are longer than {} bytes: they are cut", cut, seeds.size(), max_len);
}

// What the cores share, and the memory it lies in.
struct SharedState {
    mm::AlignedMemory memory;
    mm::Owned<fuzz::Shared> shared;
};

rstate::Result<SharedState> make_shared(u32 cores, u32 edges, u64 cases) {
    const fuzz::SharedSize size{cores, edges};
    SharedState state;
    state.memory = TRY(mm::allocate_aligned(world->allocator, fuzz::Shared::memory(size)),
                       "allocating the tables that the cores share", fuzz::Shared::memory(size));
    fuzz::Arena arena(mm::bytes_of(state.memory));
    state.shared = TRY(mm::allocate<fuzz::Shared>(world->allocator, arena, size, cases),
                       "allocating what the cores share", cores, edges);
    return state;
}

u64 count_cases(const fuzz::Shared &shared) {
    u64 cases = 0;
    for (u32 core = 0; core < shared.cores(); ++core) cases += shared.counts(core).cases.load();
    return cases;
}

rstate::Result<> fuzz_on_all_cores(Campaign &campaign) {
    const u32 cores = campaign.shared.cores();
    log_formatted("7 fuzzing {} on {} cores, seed {}, at most {} private pages for each case",
                  escaped(campaign.options.target), cores, campaign.seed, campaign.pages_per_core);
    run_on_cores(cores, {fuzz_on_core, &campaign});
    campaign.reporter.drain();
    rstate::Error failed = take_errors(campaign.contexts);
    if (failed.present()) return WRAP(std::move(failed), "fuzzing on all cores", cores);
    return rstate::done();
}

// Returns the number of cases.
rstate::Result<u64> fuzz_from_snapshot(SnapshotSession &session, const boot::Bundle &bundle,
                                       const boot::Options &options, u32 cores, u64 ticks_per_second) {
    const u32 edges = session.process().counter_count();
    auto state = TRY(make_shared(cores, edges, options.cases), "making what the cores share");
    fuzz::Shared &shared = *state.shared;
    auto seeds = TRY(list_seeds(bundle), "listing the seeds");
    const u64 capacity = session.process().snapshot_point().control.input_capacity;
    const u64 max_len = options.max_len != 0 ? options.max_len : longest_input(seeds.span(), capacity, cores);
    const u64 longest_given =
        min<u64>(max_len, fuzz::InputRing::longest_input(fuzz::SharedSize().ring_words));
    auto input_room = TRY(mm::allocate_array<u8>(world->allocator, longest_given),
                          "allocating room for inputs that the console gives", longest_given);
    Reporter reporter(shared, session.machine(), input_room.span());
    report_cut_seeds(seeds.span(), max_len);
    fuzz::WorkerSize size = worker_size(edges, max_len, cores);
    if (session.process().mutator_abilities().any()) size.mutants = fuzz::TargetMutator::room(size.max_len);
    size.given = TRY(read_dictionary(bundle), "reading the dictionary");
    auto contexts = TRY(make_core_contexts(cores, size, reporter), "making the cores' contexts", cores);
    const u64 pages = TRY(pages_per_core(cores), "dividing the free memory among the cores");
    session.machine().set_page_limit(pages);
    Campaign campaign{session.target(),
                      bundle,
                      options,
                      shared,
                      reporter,
                      contexts.span(),
                      seeds.span(),
                      size,
                      pages,
                      options.has_seed ? options.seed : world->space.random_word(),
                      ticks_per_second,
                      session.process()};
    TRY(fuzz_on_all_cores(campaign), "running the workers");
    fuzz::write_edges(record_output, shared);
    if (shared.crashes().count() != 0) fuzz::write_counts(record_output, shared.crashes());
    return count_cases(shared);
}

rstate::Result<u64> fuzz_target(const boot::Bundle &bundle, const boot::Options &options, u32 core_count,
                                u64 ticks_per_second) {
    start_ticks(tick_milliseconds, ticks_per_second);
    SnapshotSession session;
    session.set_schedule(options.threads);
    TRY(session.start(bundle, options), "preparing the target");
    const u32 cores = options.cpus != 0 ? static_cast<u32>(min<u64>(options.cpus, core_count)) : core_count;
    return fuzz_from_snapshot(session, bundle, options, cores, ticks_per_second);
}

} // namespace

rstate::Result<> run_campaign(const boot::Bundle &bundle, const boot::Options &options, u32 core_count,
                              u64 ticks_per_second) {
    const LeakCheck before = LeakCheck::count_now();
    const u64 cases = TRY(fuzz_target(bundle, options, core_count, ticks_per_second), "fuzzing the target");
    TRY(before.check_held(), "checking core 0 for leaks after a campaign");
    fuzz::write_end(record_output, "ok", cases);
    end_record();
    return rstate::done();
}

} // namespace kernel
