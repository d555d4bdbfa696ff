// kernel/campaign/campaign.cpp — see campaign.h.
#include "kernel/campaign/campaign.h"

#include "base/atomic.h"
#include "base/log.h"
#include "boot/contract/exit.h"
#include "fuzz/worker.h"
#include "kernel/campaign/reporter.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"
#include "kernel/introspect/address_space_report.h"
#include "kernel/introspect/leak_check.h"
#include "kernel/panic/watchdog.h"
#include "kernel/smp/jobs.h"
#include "mm/aligned_memory.h"

namespace kernel {

namespace {

// What a worker sees of the kernel.
class KernelPlatform final {
  public:
    KernelPlatform(Reporter &reporter, u64 tsc_hz)
        : reporter_(reporter), ticks_per_us_(max(1ul, tsc_hz / 1'000'000)) {}
    u64 now_us() const { return cpu::read_tsc() / ticks_per_us_; }
    static u64 time() { return cpu::read_tsc(); }
    void between_cases() {
        show_progress();
        if (current_core() == 0)
            reporter_.serve();
        else
            reporter_.orders().obey();
    }
    fuzz::MachineFigures figures() const { return {world->frames.free_frames(), world->heap.live_bytes()}; }
    void send_records() { reporter_.drain(); }

  private:
    Reporter &reporter_;
    u64 ticks_per_us_;
};

using fuzz::Worker;

rstate::Result<mm::AlignedMemory> take_memory(usize bytes) {
    return TRY(mm::allocate_aligned(world->allocator, bytes), "allocating tables", bytes);
}

// What one core has of its own; made by core 0, so that its records outlive its work.
struct Lane {
    mm::AlignedMemory memory;
    mm::Owned<fuzz::Outbox> outbox;
    rstate::Error error;
    Atomic<bool> ended; // its core's part is over, its records are all queued
};

// All that the cores share while fuzzing.
struct Campaign {
    Target &target;
    const boot::Bundle &bundle;
    const boot::Options &options;
    fuzz::Shared &shared;
    Reporter &reporter;
    Span<Lane> lanes;
    Span<const fuzz::Seed> seeds;
    fuzz::WorkerSize size;
    u64 pages_each; // that a machine may have of its own
    u64 seed;
    u64 tsc_hz;
    Process &first;        // core 0's, which took the snapshot
    Atomic<u32> ended{};   // of the other cores
    Atomic<u32> settled{}; // cores that have what their work needs, when the layout is asked for
};

fuzz::WorkerSize size_for(u32 edges, u64 max_len, u32 cores) {
    fuzz::WorkerSize size;
    size.edges = edges;
    size.max_len = static_cast<u32>(max_len);
    // An eighth of what is free goes to the corpora; the machines' private pages are worth more.
    const u64 share = world->frames.free_frames() * page_size / 8 / cores;
    size.corpus_bytes = static_cast<u32>(max(256_KiB, min(share, 4_MiB)));
    size.entries = size.corpus_bytes / 1024;
    return size;
}

// The frames that are left, shared evenly: no case takes another core's, however much its target asks for. A
// part stays for the nested tables and for what the other cores set up only now.
rstate::Result<u64> pages_for_each(u32 cores) {
    constexpr u64 to_set_up = 96, least = 64; // chosen: pages; a plain case writes some twenty
    const u64 free = world->frames.free_frames(), each = free / cores;
    const u64 set_aside = to_set_up + each / 16;
    if (each < set_aside + least)
        return FAIL(mm::out_of_frames, "there is too little memory for so many cores", cores, free,
                    set_aside + least);
    return each - set_aside;
}

fuzz::WorkerOptions options_for(const Campaign &c, const rstate::Resolver &resolver) {
    fuzz::WorkerOptions options;
    options.core = current_core();
    options.seed = c.seed;
    options.edge_budget = c.options.edge_budget;
    options.pace = c.options.has_seed && c.shared.cores() == 1 ? fuzz::Pace::repeatable : fuzz::Pace::free;
    options.resolver = &resolver;
    return options;
}

void wake_others(Campaign &c) {
    for (u32 core = 1; core < c.shared.cores(); ++core)
        if (!c.lanes[core].ended.load(Order::acquire)) send_interrupt(core, wake_vector);
}

// Halts until core 0 has made room in the queues: spinning would take the processor that it needs in an
// emulator. With interrupts off from the look at the queue to the halt, its wake is not lost.
void queue_the_rest(Campaign &c, Worker &worker) {
    for (;;) {
        cpu::disable_interrupts();
        // If core 0 failed, nobody makes room any more.
        if (worker.flush() || c.lanes[0].ended.load(Order::acquire)) break;
        cpu::enable_interrupts_and_halt();
    }
    cpu::enable_interrupts();
}

// Records that no longer fit wait in the worker: core 0 empties the queues until every core has none left.
void send_the_rest(Campaign &c, Worker &worker) {
    if (current_core() != 0) return queue_the_rest(c, worker);
    bool others_ended = false, all_queued = false;
    while (!others_ended || !all_queued) {
        others_ended = c.ended.load(Order::acquire) == c.shared.cores() - 1;
        all_queued = worker.flush() && (!others_ended || worker.report_last());
        if (c.reporter.drain()) wake_others(c);
        cpu::while_waiting();
        cpu::pause();
    }
}

// However it ended, once.
void tell_end(Campaign &c) {
    Lane &lane = c.lanes[current_core()];
    lane.ended.store(true, Order::release);
    if (current_core() != 0)
        c.ended.fetch_add(1, Order::release), c.reporter.orders().leave();
    else
        wake_others(c);
}

// Each core has taken all the ranges that its work needs when it comes here; core 0 waits for them and tells.
rstate::Result<> tell_settled_layout(Campaign &c) {
    c.settled.fetch_add(1, Order::release);
    if (current_core() != 0) return rstate::done();
    while (c.settled.load(Order::acquire) != c.shared.cores() && !c.shared.stopping()) cpu::while_waiting();
    return tell_layout();
}

rstate::Result<> fuzz(Campaign &c, Process &process) {
    Lane &lane = c.lanes[current_core()];
    KernelPlatform platform(c.reporter, c.tsc_hz);
    fuzz::Arena arena(bytes_of(lane.memory));
    const rstate::Resolver resolver = c.target.program().symbols().resolver();
    auto worker =
        TRY(mm::allocate<Worker>(world->allocator, fuzz::Executor::of(process), fuzz::Platform::of(platform),
                                 c.shared, *lane.outbox, arena, c.size, options_for(c, resolver)),
            "allocating the worker");
    if (c.bundle.has("dict")) {
        const Bytes text = TRY(c.bundle.find("dict"), "finding the dictionary");
        TRY(worker->dictionary().parse({reinterpret_cast<const char *>(text.data()), text.size()}),
            "reading the dictionary");
    }
    if (c.options.layout) TRY(tell_settled_layout(c), "telling the layout");
    begin_work();
    auto result = worker->run(c.seeds);
    end_work();
    if (!result.ok()) c.shared.stop();
    send_the_rest(c, *worker);
    return result;
}

rstate::Result<> work(Campaign &c) {
    start_ticks(tick_milliseconds, c.tsc_hz);
    if (current_core() == 0) return fuzz(c, c.first);
    auto svm = TRY(start_svm(), "preparing this core");
    Machine machine = TRY(make_machine(*svm, c.target), "making this core's machine");
    Process process = TRY(c.target.attach(machine), "standing this core's machine at the snapshot");
    machine.set_page_limit(c.pages_each);
    return fuzz(c, process);
}

rstate::Result<> work_and_give_back(Campaign &c) {
    const Balance before = Balance::now();
    TRY(work(c), "doing a core's part of the fuzzing");
    // Core 0's machine lives on with its pins: of that core stock is taken when that is gone, too.
    if (current_core() != 0) TRY(before.nothing_held(), "taking stock of what a core borrowed to fuzz");
    return rstate::done();
}

void work_on_core(void *context) {
    Campaign &c = *static_cast<Campaign *>(context);
    auto result = work_and_give_back(c);
    if (!result.ok()) {
        c.lanes[current_core()].error = result.take_error();
        c.shared.stop();
    }
    tell_end(c);
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

rstate::Result<mm::OwnedArray<Lane>> make_lanes(u32 cores, const fuzz::WorkerSize &size, Reporter &reporter) {
    auto lanes = TRY(mm::allocate_array<Lane>(world->allocator, cores), "allocating the cores' lanes");
    const u32 capacity = fuzz::outbox_capacity(size.max_len);
    for (u32 core = 0; core < cores; ++core) {
        Lane &lane = lanes[core];
        lane.memory = TRY(take_memory(Worker::memory(size) + fuzz::Outbox::memory(capacity)),
                          "allocating a lane", core);
        fuzz::Arena arena(bytes_of(lane.memory).from(Worker::memory(size)));
        lane.outbox =
            TRY(mm::allocate<fuzz::Outbox>(world->allocator, arena, capacity), "allocating an outbox", core);
        reporter.attach(core, *lane.outbox);
    }
    return lanes;
}

const Output record_output{[](void *, Text text) { write_record(text); }, nullptr};

// Until somebody says stop; how many cases there were.
rstate::Result<u64> fuzz_until_the_end(const boot::Bundle &bundle, const boot::Options &options,
                                       u32 core_count, u64 tsc_hz) {
    Target target = TRY(Target::load(bundle), "loading the target", options.target.data());
    auto svm = TRY(start_svm(), "preparing this core");
    Machine machine = TRY(make_machine(*svm, target), "making this core's machine");
    start_ticks(tick_milliseconds, tsc_hz);
    Process process = TRY(target.take_snapshot(machine), "taking the snapshot that every case starts from");

    const u32 cores = options.cpus != 0 ? static_cast<u32>(min<u64>(options.cpus, core_count)) : core_count;
    const u32 edges = process.counter_count();
    const fuzz::SharedSize shared_size{cores, edges};
    auto shared_memory =
        TRY(take_memory(fuzz::Shared::memory(shared_size)), "allocating what the cores share");
    fuzz::Arena arena(bytes_of(shared_memory));
    auto shared = TRY(mm::allocate<fuzz::Shared>(world->allocator, arena, shared_size, options.cases),
                      "allocating what the cores share");
    Reporter reporter(*shared, machine);
    const fuzz::WorkerSize size = size_for(edges, options.max_len, cores);
    auto lanes = TRY(make_lanes(cores, size, reporter), "making the cores' lanes", cores);
    auto seeds = TRY(list_seeds(bundle), "listing the seeds");
    const u64 pages_each = TRY(pages_for_each(cores), "sharing the memory out");
    machine.set_page_limit(pages_each);
    Campaign campaign{target,       bundle,
                      options,      *shared,
                      reporter,     lanes.span(),
                      seeds.span(), size,
                      pages_each,   options.has_seed ? options.seed : world->space.random_word(),
                      tsc_hz,       process};
    log_formatted("7 fuzzing {} on {} cores, seed {}, {} pages for each case at the most", options.target,
                  cores, campaign.seed, pages_each);
    run_on_cores(cores, {work_on_core, &campaign});
    reporter.drain();

    rstate::Error failed; // of several cores, when they fail together
    for (Lane &lane : lanes) {
        if (!lane.error.present()) continue;
        failed =
            failed.present() ? followed_by(std::move(failed), std::move(lane.error)) : std::move(lane.error);
    }
    if (failed.present()) return WRAP(std::move(failed), "fuzzing on all cores", cores);
    u64 cases = 0;
    for (u32 core = 0; core < cores; ++core) cases += shared->counts(core).cases.load();
    fuzz::write_edges(record_output, *shared);
    return cases;
}

} // namespace

rstate::Result<> run_campaign(const boot::Bundle &bundle, const boot::Options &options, u32 core_count,
                              u64 tsc_hz) {
    const Balance before = Balance::now();
    const u64 cases = TRY(fuzz_until_the_end(bundle, options, core_count, tsc_hz), "fuzzing until the end");
    TRY(before.nothing_held(), "taking stock of what a campaign borrowed");
    fuzz::write_end(record_output, "ok", cases);
    end_record();
    return rstate::done();
}

} // namespace kernel
