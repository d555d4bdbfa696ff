// kernel/smp/cores.cpp — starts the cores; see cores.h.
#include "kernel/smp/cores.h"

#include "base/atomic.h"
#include "base/log.h"
#include "cpu/features.h"
#include "cpu/ops.h"
#include "cpu/settle.h"
#include "cpu/trace.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/machine_check.h"
#include "kernel/entry/traps.h"
#include "kernel/smp/jobs.h"
#include "kernel/world.h"

constinit kernel::Core first_core;
constinit kernel::Core *core_table[max_cores] = {&first_core};

namespace kernel {

namespace {

// Core 0's interrupt stacks until guard_first_core.
alignas(16) constinit u8 early_stacks[stack_count][interrupt_stack_bytes];
constinit Atomic<u32> arrived;
constinit cpu::TraceRing first_trace;

constexpr mm::AllocationSite stack_site{"interrupt stack", __FILE__, "make_interrupt_stacks", __LINE__};

rstate::Result<> make_interrupt_stacks(Core &core) {
    for (u32 i = 1; i < stack_count; ++i) {
        const mm::Range stack =
            TRY(world->space.map_memory(interrupt_stack_bytes / page_size, mm::Owner::stack, stack_site),
                "making an interrupt stack", core.number, i);
        core.stack_tops[i] = stack.end().value();
    }
    return rstate::done();
}

// Allocates everything that a core needs. The core waits in entry.asm until core_table has its Core.
rstate::Result<> prepare_core(const boot::CoreArgs &args) {
    auto core = TRY(mm::allocate<Core>(world->allocator), "allocating a core's own data", args.core);
    auto window =
        TRY(mm::allocate<mm::Window>(world->allocator, args.seed), "allocating a core's window", args.core);
    auto pool = TRY(mm::allocate<FramePool>(world->allocator, world->windows),
                    "allocating a core's frame pool", args.core);
    auto trace = TRY(mm::allocate<cpu::TraceRing>(world->allocator), "allocating a core's trace", args.core);
    auto errors =
        TRY(mm::allocate<rstate::Pool>(world->allocator), "allocating a core's error pool", args.core);
    for (u32 i = 0; i < args.seed.range_count; ++i)
        TRY(pool->add(args.seed.ranges[i]), "taking over a core's memory", args.core,
            args.seed.ranges[i].first);
    core->number = args.core;
    core->apic_id = args.apic_id;
    core->args = &args;
    TRY(make_interrupt_stacks(*core), "making a core's interrupt stacks", args.core);
    world->windows.attach(args.core, *window);
    world->frames.attach(args.core, *pool);
    rstate::attach_pool(args.core, *errors);
    cpu::attach_trace(args.core, *trace);
    // Cores never stop being used, so these objects are never freed.
    static_cast<void>(window.keep());
    static_cast<void>(pool.keep());
    static_cast<void>(errors.keep());
    static_cast<void>(trace.keep());
    // A plain pointer, since assembly reads the table too (entry.asm).
    __atomic_store_n(&core_table[args.core], core.keep(), __ATOMIC_RELEASE);
    return rstate::done();
}

void print_errata(const char *what, u32 core, u32 rows) {
    if (rows == 0) return;
    TextBuffer<120> line;
    line.add("errata {} on core {}:", what, core);
    for (u32 row = 0; row < cpu::most_errata; ++row)
        if ((rows >> row & 1) != 0) line.add(" {}", cpu::erratum_name(row));
    log_line(line.text());
}

// Core 0's stand for all: a core whose result is another is of another model, or the firmware treats it
// differently.
void report_errata(u32 cores) {
    for (u32 core = 0; core < cores; ++core) {
        const cpu::ErrataResult &its = core_table[core]->errata;
        if (core != 0 && its == first_core.errata) continue;
        print_errata("applied", core, its.applied);
        print_errata("without their register", core, its.refused);
    }
}

} // namespace

void start_first_core(const boot::CoreArgs &args) {
    for (u32 i = 1; i < stack_count; ++i)
        first_core.stack_tops[i] = reinterpret_cast<u64>(early_stacks[i]) + interrupt_stack_bytes;
    first_core.args = &args;
    cpu::attach_trace(0, first_trace);
    build_interrupt_table();
    load_core_tables(first_core);
}

rstate::Result<> guard_first_core() {
    TRY(make_interrupt_stacks(first_core), "making core 0's interrupt stacks");
    set_interrupt_stacks(first_core);
    return rstate::done();
}

void settle(Core &core) {
    core.errata = cpu::settle_core(cpu::Features::read());
    start_machine_checks();
}

rstate::Result<> start_other_cores(const boot::CoreArgs &args) {
    for (u32 core = 1; core < args.core_count; ++core)
        TRY(prepare_core(*pointer_to<const boot::CoreArgs>(Virt(args.args_of[core]))), "preparing a core",
            core);
    while (arrived.load(Order::acquire) != args.core_count - 1) {
        cpu::while_waiting();
        cpu::pause();
    }
    report_errata(args.core_count);
    return rstate::done();
}

} // namespace kernel

extern "C" [[noreturn]] void core_main(const boot::CoreArgs &args) {
    using namespace kernel;
    Core &core = *core_table[args.core];
    load_core_tables(core);
    settle(core);
    enable_apic();
    world->tlb_shootdown.join(world->windows.of(args.core));
    core.running.store(true, Order::release);
    cpu::enable_interrupts();
    arrived.fetch_add(1, Order::release);
    serve_jobs();
}
