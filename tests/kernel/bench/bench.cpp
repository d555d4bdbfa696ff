// tests/kernel/bench/bench.cpp — the benchmarks; see bench.h. Every figure is a difference of two time stamps
// over many rounds.
#include "tests/kernel/bench/bench.h"

#include "base/log.h"
#include "boot/contract/exit.h"
#include "cpu/trace.h"
#include "fuzz/coverage.h"
#include "fuzz/mutators/mutate.h"
#include "kernel/campaign/snapshot_session.h"
#include "kernel/entry/apic.h"
#include "mm/aligned_memory.h"
#include "tests/kernel/bench/bench_memory.h"
#include "tests/kernel/tiny_guest.h"

namespace kernel {

void record(Text name, u64 value, Text unit, Text compared_with) {
    TextBuffer<400> line;
    line.add("{\"type\":\"bench\",\"name\":\"{}\",\"value\":{},\"unit\":\"{}\",", name, value, unit);
    log_line(line.add("\"compared_with\":\"{}\"}", compared_with).text());
}

namespace {

struct Bench {
    const TestContext &context;
    svm::Core *core = nullptr;
};

constexpr u32 rounds = 200;

// mov rcx, N; l: mov [rdi], cl; add rdi, 4096; dec rcx; jnz l; vmmcall: 4 N + 2 instructions of the guest's
// own.
struct Writer {
    u8 code[24] = {0x48, 0xC7, 0xC1, 0,    0,    0,    0,    0x88, 0x0F, 0x48, 0x81, 0xC7,
                   0x00, 0x10, 0x00, 0x00, 0x48, 0xFF, 0xC9, 0x75, 0xF2, 0x0F, 0x01, 0xD9};
    explicit Writer(u32 pages) {
        for (u32 i = 0; i < 4; ++i) code[3 + i] = static_cast<u8>(pages >> (8 * i));
    }
};

rstate::Result<u64> snapshot_loop(Bench &b, u32 pages) {
    const Writer writer(pages);
    auto snapshot = TRY(mm::allocate<vm::Snapshot>(world->allocator), "allocating a snapshot");
    u64 spent = 0;
    {
        TinyGuest guest = TRY(TinyGuest::make(*b.core, writer.code), "making a guest");
        guest.machine().registers().rdi = TinyGuest::data;
        TRY(guest.machine().take_snapshot(*snapshot), "taking the snapshot");
        u64 begin = 0;
        for (u32 i = 0; i < rounds + 2; ++i) {
            if (i == 2) begin = cpu::read_tsc(); // by then every page is a private page
            TRY(guest.machine().run(), "running", i);
            TRY(guest.machine().reset(), "resetting", i);
        }
        spent = (cpu::read_tsc() - begin) / rounds - (4 * pages + 2);
    }
    TRY(snapshot->release(world->windows, world->frames), "freeing the snapshot");
    return spent;
}

rstate::Result<> reset_costs(Bench &b) {
    record("vm.snapshot_loop_1_page", TRY(snapshot_loop(b, 1), "one page"), "instructions",
           "Linux's KVM: 22296; bare floor: 623");
    record("vm.snapshot_loop_16_pages", TRY(snapshot_loop(b, 16), "16 pages"), "instructions",
           "Linux's KVM: 56200; bare floor: 8678");
    record("vm.snapshot_loop_256_pages", TRY(snapshot_loop(b, 256), "256 pages"), "instructions",
           "Linux's KVM: 607549; bare floor: 137558");
    return rstate::done();
}

rstate::Result<> round_trip(Bench &b) {
    constexpr u8 vmmcall[] = {0x0F, 0x01, 0xD9}; // the loop does not step over it, so each run stops at it
    TinyGuest guest = TRY(TinyGuest::make(*b.core, vmmcall), "making a guest");
    u64 begin = 0;
    for (u32 i = 0; i < rounds + 2; ++i) {
        if (i == 2) begin = cpu::read_tsc();
        TRY(guest.machine().run(), "running", i);
    }
    record("vm.round_trip", (cpu::read_tsc() - begin) / rounds, "instructions",
           "Linux's KVM: 2900 to 4100; bare floor: 31 to 71");
    return rstate::done();
}

rstate::Result<> window_cost(Bench &) {
    const Phys frame = TRY(world->frames.allocate(mm::Owner::device), "taking a frame");
    u64 sum = 0, begin = 0;
    for (u32 i = 0; i < rounds + 1; ++i) {
        if (i == 1) begin = cpu::read_tsc(); // the first pin maps the slot
        auto pin = TRY(world->windows.pin(frame), "pinning a hot frame");
        sum += reinterpret_cast<u64>(pin.bytes());
    }
    const u64 spent = (cpu::read_tsc() - begin) / rounds;
    world->frames.free(frame, mm::Owner::device);
    record("mm.pin_hot_frame", spent, "instructions", sum == 0 ? "" : "a linear map: 1");
    return rstate::done();
}

// The parts of a case of the bundle's target. `run` contains the target's own instructions and the kernel's
// for one entry.
rstate::Result<> case_parts(Bench &b) {
    SnapshotSession session;
    TRY(session.start(b.context.bundle), "preparing the target");
    Machine &machine = session.machine();
    Process &process = session.process();
    const u32 edges = process.counter_count();
    auto memory = TRY(mm::allocate_aligned(world->allocator, fuzz::Coverage::memory(edges)), "tables");
    fuzz::Arena arena(mm::bytes_of(memory));
    fuzz::Coverage coverage(arena, edges);
    auto fresh =
        TRY(mm::allocate_array<fuzz::Feature>(world->allocator, edges * usize{fuzz::classes_per_edge} + 1),
            "list");
    fuzz::FeatureList features{fresh.span()};
    const Bytes input = b.context.bundle.entry(b.context.bundle.next("seed/")).data;
    u64 run = 0, feedback = 0, reset = 0, dirty = 0;
    for (u32 i = 0; i < rounds + 2; ++i) {
        const u64 pages_before = machine.statistics().dirty_pages;
        const u64 t0 = cpu::read_tsc();
        TRY(process.run_case(input, {.edge_budget = 10'000'000}), "running a case", i);
        const u64 t1 = cpu::read_tsc();
        bool fresh_ones = false;
        TRY(process.visit_counters([&](u32 first, Bytes piece) {
            if (i == 0)
                coverage.mark(first, piece, features);
            else
                fresh_ones |= coverage.shows_new(first, piece);
        }),
            "scanning the counters", i);
        const u64 t2 = cpu::read_tsc();
        TRY(process.reset(), "resetting", i);
        const u64 t3 = cpu::read_tsc();
        if (i < 2) continue;
        EXPECT(!fresh_ones, i);
        run += t1 - t0, feedback += t2 - t1, reset += t3 - t2,
            dirty += machine.statistics().dirty_pages - pages_before;
    }
    TextBuffer<80> goal;
    record("case.feedback", feedback / rounds, "instructions", "");
    record("case.dirty_pages", dirty / rounds, "pages", "");
    record("case.reset", reset / rounds, "instructions",
           goal.add("goal with entry and feedback: {}", 1500 + 600 * (dirty / rounds)).text());
    record("case.run_with_target", run / rounds, "instructions", "AFL++ persistent with ASan, all: 174000");
    return rstate::done();
}

rstate::Result<> mutation(Bench &) {
    constexpr usize room = 4096;
    auto bytes = TRY(mm::allocate_array<u8>(world->allocator, room), "allocating an input");
    const usize needed = fuzz::Dictionary::memory(0, 64) + fuzz::ComparisonLog::memory(64);
    auto memory = TRY(mm::allocate_aligned(world->allocator, needed), "allocating tables");
    fuzz::Arena arena(mm::bytes_of(memory));
    const fuzz::Dictionary dictionary(arena, {}, 64);
    const fuzz::ComparisonLog comparison_log(arena, 64);
    fuzz::Buffer input(bytes.span());
    Random random(1);
    u64 spent = 0;
    for (u32 i = 0; i < 2000; ++i) {
        input.resize(200);
        const u64 begin = cpu::read_tsc();
        fuzz::mutate(input, {dictionary, comparison_log, Bytes()}, random);
        spent += cpu::read_tsc() - begin;
    }
    record("fuzz.mutate_200_bytes", spent / 2000, "instructions", "");
    return rstate::done();
}

constexpr cpu::TraceSite bench_site{cpu::Phase::moment, "bench", "round"};

rstate::Result<> trace_cost(Bench &) {
    const u64 begin = cpu::read_tsc();
    for (u32 i = 0; i < rounds; ++i) cpu::trace(bench_site, i);
    record("trace.record", (cpu::read_tsc() - begin) / rounds, "instructions", "a steady case makes four");
    return rstate::done();
}

struct Named {
    const char *name;
    rstate::Result<> (*run)(Bench &);
};
constexpr Named benches[] = {
    {"vm.round_trip", round_trip},
    {"vm.snapshot_loop", reset_costs},
    {"mm.pin", window_cost},
    {"mm.window", [](Bench &) { return compare_with_linear_map(); }},
    {"mm.window_case", [](Bench &b) { return compare_cases(*b.core, b.context.bundle); }},
    {"fuzz.mutate", mutation},
    {"case.parts", case_parts},
    {"rstate", [](Bench &) { return error_costs(); }},
    {"trace.record", trace_cost},
};

} // namespace

static rstate::Result<u32> run_benchmarks(const ModeContext &context, Text glob) {
    auto core = TRY(start_svm(), "switching SVM on");
    Bench bench{context, core.get()};
    for (const Named &one : benches)
        if (matches_glob(glob, one.name)) TRY(one.run(bench), "running a benchmark", one.name);
    return boot::exit_ok;
}
RL_MODE("bench", run_benchmarks);

} // namespace kernel
