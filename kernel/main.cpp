// kernel/main.cpp — the composition root: what each core does, in order, one line and one reason each.
#include "base/log.h"
#include "boot/bundle.h"
#include "boot/exit.h"
#include "boot/options.h"
#include "cpu/lock.h"
#include "guest/process.h"
#include "guest/program.h"
#include "kernel/apic.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/panic.h"
#include "kernel/traps.h"
#include "mm/frames.h"
#include "mm/window.h"
#include "svm/machine.h"

kernel::Core first_core;
kernel::Core *core_table[max_cores];

void cpu::while_waiting() {}

namespace kernel {

namespace {
alignas(16) u8 first_stacks[stack_count][interrupt_stack_bytes];
alignas(4096) u8 arena[2 << 20];
usize arena_used = 0;
alignas(mm::Window) u8 window_space[sizeof(mm::Window)];
alignas(64) u8 pool_space[sizeof(mm::FramePool<mm::CoreWindows>)];
mm::CoreWindows windows;

using Frames = mm::Frames<mm::CoreWindows>;
using Machine = svm::Machine<mm::CoreWindows, Frames>;
using Process = guest::Process<Machine>;

rstate::Result<> try_it(const stage2::CoreArgs &args) {
    auto *window = new (window_space) mm::Window(args.seed);
    windows.attach(0, *window);
    auto *pool = new (pool_space) mm::FramePool<mm::CoreWindows>(windows);
    for (u32 i = 0; i < args.seed.range_count; ++i) TRY(pool->add(args.seed.ranges[i]), "adding memory", i);
    Frames frames(windows);
    frames.attach(0, *pool);
    LOG(kernel, "{} frames free", frames.free_frames());
    mm::Allocator heap{nullptr,
                       [](void *, u64 size, u64, mm::AllocationSite) -> rstate::Result<u8 *> {
                           u8 *p = arena + arena_used;
                           arena_used += align_up(size, 64);
                           if (arena_used > sizeof arena) return FAIL(no_target, "arena", size);
                           return p;
                       },
                       [](void *, u8 *, u64) {}};
    const boot::Bundle bundle =
        TRY(boot::Bundle::parse({reinterpret_cast<const u8 *>(args.bundle), args.bundle_bytes}), "parsing the bundle");
    const Bytes elf = TRY(bundle.find("target.elf"), "finding the target");
    const u64 slots = TRY(guest::Program::slots_needed(elf), "sizing");
    auto functions = TRY(mm::allocate_array<guest::Function>(heap, slots), "allocating the symbols");
    const guest::Program program = TRY(guest::Program::make(elf, functions.span()), "checking the target");
    const cpu::Features features = cpu::Features::read();
    TRY(svm::check_support(features), "looking for SVM");
    const Phys maps = TRY(frames.allocate_run(3, 1, mm::Owner::device), "maps");
    svm::Core core(features, TRY(svm::PermissionMaps::fill(windows, maps), "filling maps"));
    TRY(core.start(windows, frames), "starting svm");
    Machine machine = TRY(Machine::make(core, windows, frames, heap, align_up(program.plan().memory_needed(), 2_MiB)),
                          "making the machine");
    LOG(kernel, "machine made, {} MiB", program.plan().memory_needed() >> 20);
    Process process = TRY(Process::load(machine, program), "loading");
    LOG(kernel, "loaded, entering");
    TRY(process.run_to_door(), "running to the door");
    LOG(kernel, "at the door: {} counters, {} exits {} pages", process.counter_count(), machine.spent().exits,
        machine.spent().new_pages);
    vm::Snapshot snapshot;
    TRY(machine.take_snapshot(snapshot), "photograph");
    LOG(kernel, "snapshot: {} pages {} pattern pages, digest {h}", snapshot.pages(), snapshot.pattern_pages(),
        snapshot.digest());
    const u64 begin = cpu::read_tsc();
    u32 cases = 0;
    for (u32 round = 0; round < 200; ++round)
        for (u32 i = bundle.next("seed/"); i < bundle.count(); i = bundle.next("seed/", i + 1)) {
            const vm::Outcome outcome =
                TRY(process.run_case(bundle.entry(i).data, {.edge_budget = 10'000'000}), "a case");
            if (round == 0) LOG(kernel, "{}: ending {}, value {}, {} edges", bundle.entry(i).name, outcome.ending, outcome.value,
                outcome.edges_spent);
            TRY(process.reset(), "reset");
            ++cases;
        }
    const u64 ticks = cpu::read_tsc() - begin;
    const vm::Spent &spent = machine.spent();
    LOG(kernel, "{} cases, {} per second; exits {} new pages {} dirty {} bytes {} digest same {}", cases,
        cases * args.tsc_hz / ticks, spent.exits, spent.new_pages, spent.dirty_pages, spent.reset_bytes,
        TRY(process.digest(), "digest") == snapshot.digest());
    return FAIL(no_target, "the end");
}
} // namespace

} // namespace kernel

extern "C" [[noreturn]] void kernel_main(const stage2::CoreArgs &args) {
    using namespace kernel;
    init_console();
    set_kernel_image(args.kernel_base, args.text_bytes);
    LOG(kernel, "6 kernel at {x}, build {h}", args.kernel_base, args.build_id);
    u64 tops[stack_count] = {};
    for (u32 i = 1; i < stack_count; ++i) tops[i] = reinterpret_cast<u64>(first_stacks[i]) + interrupt_stack_bytes;
    build_interrupt_table();
    first_core.args = &args;
    load_core_tables(first_core, tops);
    panic(try_it(args).take_error());
}
extern "C" [[noreturn]] void core_main(const stage2::CoreArgs &) {
    for (;;) cpu::halt();
}
