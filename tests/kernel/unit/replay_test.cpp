// tests/kernel/unit/replay_test.cpp — the same input does the same, however often and behind whichever other
// input it runs: ending, edges, finding, memory and registers at the end of the case.
#include "base/log.h"
#include "base/random.h"
#include "kernel/campaign/snapshot_session.h"
#include "kernel/entry/apic.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

constexpr u32 most_inputs = 64, mutants_of_a_seed = 7;
constexpr usize most_bytes = 4096;
constexpr u64 edges_of_a_case = 2'000'000;
constexpr u64 replays_per_check = 100; // of all memory after a reset: it reads every page of the target

struct Input {
    u8 bytes[most_bytes] = {};
    usize size = 0;
    Bytes view() const { return {bytes, size}; }
};

struct Seen {
    vm::Ending ending = vm::Ending::done;
    i64 value = 0;
    u64 edges = 0, finding = 0, digest = 0; // digest: of the registers and of what the case has changed
    bool operator==(const Seen &) const = default;
};

// The seeds, and behind each some mutants of it.
u32 make_inputs(const boot::Bundle &bundle, Span<Input> inputs) {
    Random random(1);
    u32 count = 0;
    for (u32 i = bundle.next("seed/"); i < bundle.count(); i = bundle.next("seed/", i + 1)) {
        const Bytes seed = bundle.entry(i).data.first(min(bundle.entry(i).data.size(), most_bytes));
        for (u32 mutant = 0; mutant <= mutants_of_a_seed && count < inputs.size(); ++mutant) {
            Input &input = inputs[count++];
            input.size = seed.size();
            if (!seed.empty()) __builtin_memcpy(input.bytes, seed.data(), seed.size());
            for (u32 change = 0; change < mutant && !seed.empty(); ++change)
                input.bytes[random.below(seed.size())] = static_cast<u8>(random.next());
        }
    }
    return count;
}

rstate::Result<Seen> run(SnapshotSession &session, Bytes input) {
    Process &process = session.process();
    const vm::Outcome &outcome =
        *TRY(process.run_case(input, {.edge_budget = edges_of_a_case}), "running a case");
    Seen seen = {outcome.ending, outcome.value, outcome.edges_spent, 0, 0};
    if (outcome.ending != vm::Ending::done) seen.finding = outcome.finding.hash;
    seen.digest = TRY(session.machine().digest_of_changes(), "computing the digest at the end of a case");
    TRY(process.reset(), "resetting");
    return seen;
}

// The reset left nothing behind, also in a page that was written without a dirty bit.
rstate::Result<> expect_snapshot(SnapshotSession &session) {
    const u64 digest = TRY(session.process().digest(), "computing the digest");
    EXPECT(digest == session.target().snapshot().digest(), digest);
    return rstate::done();
}

rstate::Result<> replay_many(const TestContext &context, u64 replays) {
    start_ticks(1000, context.args.ticks_per_second());
    SnapshotSession session;
    TRY(session.start(context.bundle), "preparing the target");
    auto inputs = TRY(mm::allocate_array<Input>(world->allocator, most_inputs), "allocating the inputs");
    const u32 count = make_inputs(context.bundle, inputs.span());
    EXPECT(count != 0, context.bundle.count());
    Seen first[most_inputs];
    for (u32 i = 0; i < count; ++i)
        first[i] = TRY(run(session, inputs[i].view()), "running an input for the first time", i);
    Random order(2);
    u64 different = 0; // endings but `done`
    for (u64 n = 0; n < replays; ++n) {
        const u32 i = static_cast<u32>(order.below(count));
        const Seen again = TRY(run(session, inputs[i].view()), "replaying an input", n, i);
        EXPECT(again == first[i], n, i, again.edges, again.digest);
        different += again.ending != vm::Ending::done;
        if (n % replays_per_check == 0) TRY(expect_snapshot(session), "after a replay and a reset", n, i);
    }
    stop_ticks();
    TRY(expect_snapshot(session), "at the end");
    LOG(kernel, "{} replays of {} inputs, {} of them with a finding: all the same", replays, count,
        different);
    return rstate::done();
}

rstate::Result<> an_input_does_the_same_again(const TestContext &context) {
    return replay_many(context, 300);
}
RL_VM_TEST(an_input_does_the_same_again);

rstate::Result<> long_an_input_does_the_same_again(const TestContext &context) {
    return replay_many(context, 200'000);
}
RL_VM_TEST(long_an_input_does_the_same_again);

} // namespace

} // namespace kernel
