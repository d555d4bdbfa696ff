// kernel/campaign/worker_core.cpp — one core's part of a campaign; see worker_core.h.
#include "kernel/campaign/worker_core.h"

#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"
#include "kernel/introspect/address_space_report.h"
#include "kernel/introspect/leak_check.h"

namespace kernel {

namespace {

void wake_others(Campaign &c) {
    for (u32 core = 1; core < c.shared.cores(); ++core)
        if (!c.contexts[core].ended.load(Order::acquire)) send_ipi(core, wake_vector);
}

// The core halts until core 0 has made room in the outbox: a core that spins takes the processor that core 0
// needs in an emulator. It turns interrupts off before it looks at the outbox and on again in the instruction
// that halts, so that the wake-up IPI between the two is not lost.
void queue_last_records(Campaign &c, fuzz::Worker &worker) {
    for (;;) {
        cpu::disable_interrupts();
        // After a failure of core 0 no core empties the outboxes any more.
        if (worker.flush() || c.contexts[0].ended.load(Order::acquire)) break;
        cpu::enable_interrupts_and_halt();
    }
    cpu::enable_interrupts();
}

// A worker keeps records that do not fit into its outbox. Core 0 sends records until no core has any left.
void send_last_records(Campaign &c, fuzz::Worker &worker) {
    if (current_core() != 0) return queue_last_records(c, worker);
    bool others_ended = false, all_queued = false;
    while (!others_ended || !all_queued) {
        others_ended = c.ended.load(Order::acquire) == c.shared.cores() - 1;
        all_queued = worker.flush() && (!others_ended || worker.report_last());
        if (c.reporter.drain()) wake_others(c);
        cpu::while_waiting();
        cpu::pause();
    }
}

// Every core calls it once, whether its work succeeded or failed: the other cores wait for it.
void mark_ended(Campaign &c) {
    c.contexts[current_core()].ended.store(true, Order::release);
    if (current_core() == 0) return wake_others(c);
    c.ended.fetch_add(1, Order::release);
    c.reporter.pause().leave();
}

// Every core has allocated all ranges that its work needs when it calls this. Core 0 waits for the others,
// then reports, so that no range comes or goes meanwhile.
rstate::Result<> report_final_layout(Campaign &c) {
    c.ready.fetch_add(1, Order::release);
    if (current_core() != 0) return rstate::done();
    while (c.ready.load(Order::acquire) != c.shared.cores() && !c.shared.stopping()) cpu::while_waiting();
    return report_layout();
}

fuzz::WorkerOptions options_for(const Campaign &c, const rstate::Resolver &resolver) {
    fuzz::WorkerOptions options;
    options.core = current_core();
    options.seed = c.seed;
    options.timeout_edges = timeout_edges(c.options);
    options.pace = c.options.has_seed && c.shared.cores() == 1 ? fuzz::Pace::repeatable : fuzz::Pace::free;
    options.resolver = &resolver;
    options.show_output = c.options.target_output;
    return options;
}

// Of a case that takes long. Core 0 alone reads the console.
bool stop_asked(void *campaign) {
    Campaign &c = *static_cast<Campaign *>(campaign);
    return current_core() == 0 ? c.reporter.stop_asked() : c.shared.stopping();
}

rstate::Result<> run_worker(Campaign &c, Process &process) {
    process.set_stop_signal({stop_asked, &c});
    CoreContext &context = c.contexts[current_core()];
    KernelPlatform platform(c.reporter, c.ticks_per_second, c.options.threads);
    fuzz::Arena arena(mm::bytes_of(context.memory));
    const rstate::Resolver resolver = c.target.program().symbols().resolver();
    auto worker = TRY(mm::allocate<fuzz::Worker>(world->allocator, fuzz::Executor::of(process),
                                                 fuzz::Platform::of(platform), c.shared, *context.outbox,
                                                 arena, c.size, options_for(c, resolver)),
                      "allocating the worker");
    if (c.options.layout) TRY(report_final_layout(c), "reporting the address space");
    begin_work();
    auto result = worker->run(c.seeds);
    end_work();
    if (!result.ok()) c.shared.stop();
    send_last_records(c, *worker);
    return result;
}

// Core 0 fuzzes in the machine that took the snapshot; any other core makes a machine of its own.
rstate::Result<> fuzz(Campaign &c) {
    if (current_core() == 0) return run_worker(c, c.first);
    start_ticks(tick_milliseconds, c.ticks_per_second);
    auto svm = TRY(start_svm(), "switching SVM on for this core");
    Machine machine = TRY(make_machine(*svm, c.target), "making this core's machine");
    Process process = TRY(c.target.attach(machine), "attaching this core's machine to the snapshot");
    machine.set_page_limit(c.pages_per_core);
    return run_worker(c, process);
}

rstate::Result<> fuzz_and_check_leaks(Campaign &c) {
    const LeakCheck before = LeakCheck::count_now();
    TRY(fuzz(c), "fuzzing on one core", current_core());
    // Core 0's machine lives longer and keeps its pins: run_campaign checks core 0 when the machine is gone.
    if (current_core() != 0)
        TRY(before.check_held(), "checking a core for leaks after fuzzing", current_core());
    return rstate::done();
}

} // namespace

void fuzz_on_core(void *campaign) {
    Campaign &c = *static_cast<Campaign *>(campaign);
    auto result = fuzz_and_check_leaks(c);
    if (!result.ok()) {
        c.contexts[current_core()].error = result.take_error();
        c.shared.stop();
    }
    mark_ended(c);
}

} // namespace kernel
