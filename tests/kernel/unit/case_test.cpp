// tests/kernel/unit/case_test.cpp — a case of the bundle's target in its steady state: what it costs besides
// running, and that it repeats.
#include "kernel/campaign/snapshot_session.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

rstate::Result<> a_steady_case_is_one_exit_and_takes_no_lock_and_no_frame(const TestContext &context) {
    SnapshotSession session;
    TRY(session.start(context.bundle), "preparing the target");
    Machine &machine = session.machine();
    Process &process = session.process();
    const u32 seed = context.bundle.next("seed/");
    EXPECT(seed < context.bundle.count(), seed);
    const Bytes input = context.bundle.entry(seed).data;
    u64 seen = 0;
    for (u32 i = 0; i < 100; ++i) {
        const vm::Statistics before = machine.statistics();
        const u64 locks = cpu::locks_taken(), free = world->frames.free_frames();
        TRY(process.run_case(input, {.edge_budget = 10'000'000}), "running a case", i);
        TRY(process.visit_counters([&](u32, Bytes piece) { seen += piece.size(); }), "scanning the counters",
            i);
        TRY(process.reset(), "resetting", i);
        if (i == 0) continue; // the first case copies its pages
        const vm::Statistics &after = machine.statistics();
        EXPECT(after.exits - before.exits == 1 + after.ticks - before.ticks, after.exits - before.exits, i);
        EXPECT(after.new_pages == before.new_pages && after.allocations == before.allocations, i);
        EXPECT(cpu::locks_taken() == locks, cpu::locks_taken() - locks, i);
        EXPECT(world->frames.free_frames() == free, free, i);
    }
    const u64 digest = TRY(process.digest(), "computing the digest");
    EXPECT(digest == session.target().snapshot().digest());
    EXPECT(seen == 100 * process.counter_count(), seen);
    return rstate::done();
}
RL_VM_TEST(a_steady_case_is_one_exit_and_takes_no_lock_and_no_frame);

// The same input again gives the same edges, the same counters, and the same memory at its end.
rstate::Result<> one_case_always_repeats(const TestContext &context) {
    SnapshotSession session;
    TRY(session.start(context.bundle), "preparing the target");
    Process &process = session.process();
    for (u32 i = context.bundle.next("seed/"); i < context.bundle.count();
         i = context.bundle.next("seed/", i + 1)) {
        u64 digest = 0, edges = 0, counters = 0;
        for (u32 round = 0; round < 3; ++round) {
            const vm::Outcome *outcome =
                TRY(process.run_case(context.bundle.entry(i).data, {.edge_budget = 10'000'000}),
                    "running a case", i);
            Xxh64 hash;
            TRY(process.visit_counters([&](u32, Bytes piece) { hash.add(piece); }), "hashing the counters",
                i);
            const u64 memory = TRY(process.digest(), "computing the digest after a case", i);
            if (round == 0) digest = memory, edges = outcome->edges_spent, counters = hash.digest();
            EXPECT(memory == digest && outcome->edges_spent == edges && hash.digest() == counters, i, round);
            TRY(process.reset(), "resetting", i);
        }
    }
    return rstate::done();
}
RL_VM_TEST(one_case_always_repeats);

} // namespace

} // namespace kernel
