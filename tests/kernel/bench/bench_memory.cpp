// tests/kernel/bench/bench_memory.cpp — compares the window with a linear map; see bench_memory.h. Both sides
// run mm's code over the same frames.
#include "tests/kernel/bench/bench_memory.h"

#include "kernel/campaign/target.h"
#include "tests/kernel/bench/bench.h"

namespace kernel {

namespace {

// Contiguous frames, mapped contiguously: a pin is an addition. It exists while the benchmark runs.
class LinearMap final {
  public:
    class Pin final {
      public:
        explicit Pin(u8 *bytes) : bytes_(bytes) {}
        Pin(Pin &&) = default;
        Pin &operator=(Pin &&) = default;
        u8 *bytes() { return bytes_; }

      private:
        u8 *bytes_;
    };
    LinearMap(Phys first, Virt base) : first_(first), base_(base) {}
    [[gnu::always_inline]] rstate::Result<Pin> pin(Phys page) {
        return Pin(pointer_to<u8>(base_ + (page - first_)));
    }

  private:
    Phys first_;
    Virt base_;
};
static_assert(mm::PhysicalMemory<LinearMap>);

constexpr u64 frame_count = 1024;
constexpr u64 hot_pages = 128;
constexpr u32 rounds = 20;

// Allocates contiguous frames, one after the other, and frees none.
struct Row {
    Phys next;
    rstate::Result<Phys> allocate(mm::Owner) {
        const Phys frame = next;
        next = next + page_size;
        return frame;
    }
    void free(Phys, mm::Owner) {}
    void free_all(Span<const Phys>, mm::Owner) {}
};

// Instructions for each of `count` calls, after a round that maps all slots.
template <class Call> rstate::Result<u64> each(u64 count, Call &&call) {
    u64 begin = 0;
    for (u32 round = 0; round <= rounds; ++round) {
        if (round == 1) begin = cpu::read_tsc();
        for (u64 i = 0; i < count; ++i) TRY(call(i), "measuring", round, i);
    }
    return (cpu::read_tsc() - begin) / (rounds * count);
}

template <class M> using Nested = mm::PageTable<mm::NestedFormat, M>;

template <class M> rstate::Result<u64> walks(M &memory, Phys root) {
    const Nested<M> table(memory, root);
    return each(hot_pages, [&](u64 i) { return table.translate(GuestPhys(i * page_size)); });
}

template <class M> rstate::Result<u64> copies(M &memory, Phys first) {
    return each(hot_pages, [&](u64 i) -> rstate::Result<> {
        auto from = TRY(memory.pin(first + i * page_size), "pinning a page to copy");
        auto to = TRY(memory.pin(first + (hot_pages + i) * page_size), "pinning a page to copy to");
        cpu::copy_page(to.bytes(), from.bytes());
        return rstate::done();
    });
}

// One frame is allocated, filled and freed; freeing makes it unreachable where there are windows.
template <class M> rstate::Result<u64> frees(mm::Frames<M> &frames, M &memory) {
    return each(hot_pages, [&](u64) -> rstate::Result<> {
        const Phys frame = TRY(frames.allocate(mm::Owner::device), "allocating a frame");
        {
            auto pin = TRY(memory.pin(frame), "pinning a fresh frame");
            cpu::fill_page(pin.bytes(), 0);
        }
        frames.free(frame, mm::Owner::device);
        return rstate::done();
    });
}

void record_both(Text what, u64 window, u64 linear) {
    TextBuffer<80> name, compared;
    name.add("mm.window_{}", what);
    compared.add("a linear map: {}; {} in 1000 more", linear, (window - min(window, linear)) * 1000 / linear);
    record(name.text(), window, "instructions", compared.text());
}

rstate::Result<> compare(LinearMap &linear, Phys first) {
    Windows &windows = world->windows;
    Row row{first + 2 * hot_pages * page_size};
    auto table = TRY(Nested<LinearMap>::make(linear, row), "making a table to walk");
    for (u64 i = 0; i < hot_pages; ++i)
        TRY(table.map(GuestPhys(i * page_size), first + i * page_size, mm::read_write, row), "mapping", i);
    record_both("page_walk", TRY(walks(windows, table.root()), "walking through windows"),
                TRY(walks(linear, table.root()), "walking through a linear map"));
    record_both("page_copy", TRY(copies(windows, first), "copying through windows"),
                TRY(copies(linear, first), "copying through a linear map"));

    // The linear side has a pool of its own: the second half of the frames.
    const Phys half = first + frame_count / 2 * page_size;
    mm::FramePool<LinearMap> pool(linear);
    TRY(pool.add({half, frame_count / 2 * page_size, 0, 0, 0}), "making a pool");
    auto frames = TRY(mm::allocate<mm::Frames<LinearMap>>(world->allocator, linear), "making pools");
    frames->attach(current_core(), pool);
    record_both("frame_free", TRY(frees(world->frames, windows), "freeing through windows"),
                TRY(frees(*frames, linear), "freeing through a linear map"));
    return rstate::done();
}

struct CaseCost {
    u64 whole = 0, reset = 0, edges = 0;
};

// What a case with the empty input costs in a machine over this memory, including the target's own
// instructions.
template <class M>
rstate::Result<CaseCost> cases(svm::Core &core, M &memory, mm::Frames<M> &frames,
                               const guest::Program &program) {
    using Vm = svm::Machine<M, mm::Frames<M>>;
    constexpr u32 cases = 200;
    auto snapshot = TRY(mm::allocate<vm::Snapshot>(world->allocator), "allocating a snapshot");
    CaseCost cost;
    {
        const u64 size = align_up(program.layout().memory_needed(), 2_MiB);
        Vm machine = TRY(Vm::make(core, memory, frames, world->allocator, size), "making a machine");
        auto process = TRY(guest::Process<Vm>::load(machine, program, deadlines), "loading the target");
        TRY(process.run_to_snapshot_point(), "running the target to its snapshot point");
        TRY(machine.take_snapshot(*snapshot), "taking the snapshot");
        for (u32 i = 0; i < cases + 2; ++i) { // after two cases all pages are allocated
            const u64 begin = cpu::read_tsc();
            TRY(process.run_case(Bytes(), {.edge_budget = 10'000'000}), "running a case", i);
            TRY(process.visit_counters([&](u32, Bytes piece) {
                for (const u8 hits : piece) cost.edges += hits;
            }),
                "reading the edge counters", i);
            const u64 ran = cpu::read_tsc();
            TRY(process.reset(), "resetting", i);
            const u64 end = cpu::read_tsc();
            if (i >= 2) cost.whole += end - begin, cost.reset += end - ran;
        }
    }
    TRY(snapshot->release(memory, frames), "freeing the snapshot");
    return CaseCost{cost.whole / cases, cost.reset / cases, cost.edges};
}

// Frames for a whole machine besides the window's: runs of one pool, and one linear map from the first frame
// to the last.
struct Rows {
    static constexpr u32 count = 2;
    static constexpr u64 frames = mm::FramePool<Windows>::longest_run;
    Phys first[count];
    Phys lowest() const { return min(first[0], first[1]); }
    u64 span() const { return (max(first[0], first[1]) - lowest()) / page_size + frames; }
};

rstate::Result<> compare_cases_over(const Rows &rows, const mm::Range &range, svm::Core &core,
                                    const guest::Program &program) {
    LinearMap linear(rows.lowest(), range.first);
    mm::FramePool<LinearMap> pool(linear);
    for (const Phys first : rows.first)
        TRY(pool.add({first, Rows::frames * page_size, 0, 0, 0}), "filling a pool", first);
    auto frames = TRY(mm::allocate<mm::Frames<LinearMap>>(world->allocator, linear), "making pools");
    frames->attach(current_core(), pool);
    const CaseCost windows = TRY(cases(core, world->windows, world->frames, program), "running over windows");
    const CaseCost plain = TRY(cases(core, linear, *frames, program), "running over a linear map");
    EXPECT(windows.edges == plain.edges, windows.edges, plain.edges);
    record_both("case", windows.whole, plain.whole);
    record_both("case_reset", windows.reset, plain.reset);
    return rstate::done();
}

} // namespace

rstate::Result<> compare_with_linear_map() {
    const Phys first =
        TRY(world->frames.allocate_run(frame_count, 1, mm::Owner::device), "allocating contiguous frames");
    const mm::Range range =
        TRY(world->space.map_device(first, frame_count, {"linear map", "tests/kernel/bench/bench_memory.cpp"},
                                    mm::read_write, mm::Cache::write_back),
            "mapping contiguous frames");
    LinearMap linear(first, range.first);
    TRY(compare(linear, first), "measuring windows and a linear map");
    TRY(world->space.unmap_and_free(range, nullptr), "unmapping the linear map");
    world->frames.free_run(first, frame_count, mm::Owner::device);
    return rstate::done();
}

rstate::Result<> compare_cases(svm::Core &core, const boot::Bundle &bundle) {
    Target target = TRY(Target::load(bundle), "loading the target");
    Rows rows;
    for (Phys &first : rows.first)
        first = TRY(world->frames.allocate_run(Rows::frames, 1, mm::Owner::device),
                    "allocating contiguous frames");
    if (rows.span() > 4 * Rows::frames)
        return FAIL(mm::no_contiguous, "the runs of frames are too far apart for one map", rows.first[0],
                    rows.first[1]);
    const mm::Range range = TRY(world->space.map_device(rows.lowest(), rows.span(),
                                                        {"linear map", "tests/kernel/bench/bench_memory.cpp"},
                                                        mm::read_write, mm::Cache::write_back),
                                "mapping contiguous frames");
    TRY(compare_cases_over(rows, range, core, target.program()), "measuring cases");
    TRY(world->space.unmap_and_free(range, nullptr), "unmapping the linear map");
    for (const Phys first : rows.first) world->frames.free_run(first, Rows::frames, mm::Owner::device);
    return rstate::done();
}

} // namespace kernel
