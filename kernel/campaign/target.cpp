// kernel/campaign/target.cpp — the target and its snapshot; see target.h.
#include "kernel/campaign/target.h"

#include "base/atomic.h"
#include "base/log.h"
#include "fuzz/edge_budget.h"

namespace kernel {

guest::Deadlines deadlines_of(const boot::Options &options) {
    guest::Deadlines chosen = deadlines;
    if (options.timeout_s != 0)
        chosen.case_ticks = options.timeout_s + 1, chosen.whole_case = true; // a tick may come at once
    return chosen;
}

u64 timeout_edges(const boot::Options &options) {
    return options.timeout_s != 0 ? fuzz::EdgeBudget::most : options.edge_budget;
}

namespace {

rstate::Result<guest::BroughtFiles> read_files(const boot::Bundle &bundle) {
    if (!bundle.has("files")) return guest::BroughtFiles();
    const Bytes records = TRY(bundle.find("files"), "finding them in the bundle");
    return TRY(guest::BroughtFiles::parse(records), "checking how they are packed", records.size());
}

} // namespace

rstate::Result<Target> Target::load(const boot::Bundle &bundle, const boot::Options &options) {
    const Bytes file = TRY(bundle.find("target.elf"), "finding the target in the bundle");
    const u64 slots = TRY(guest::Program::slots_needed(file), "sizing the target's symbol table");
    auto functions =
        TRY(mm::allocate_array<guest::Function>(world->allocator, slots), "allocating the target's symbols");
    guest::Program program = TRY(guest::Program::make(file, functions.span()), "checking the target");
    program.with(options.target, TRY(read_files(bundle), "reading the files that the target brings"));
    return Target(std::move(functions), program, deadlines_of(options));
}

Target::~Target() {
    if (!snapshot_ || !snapshot_->taken()) return;
    auto released = snapshot_->release(world->windows, world->frames);
    if (!released.ok()) rstate::report(released.take_error(), "freeing the snapshot's frames");
}

rstate::Result<Process> Target::take_snapshot(Machine &machine, u64 schedule) {
    snapshot_ = TRY(mm::allocate<vm::Snapshot>(world->allocator), "allocating the snapshot");
    Process process = TRY(Process::load(machine, program_, deadlines_), "loading the target");
    TRY(process.run_to_snapshot_point(), "running the target to its snapshot point");
    TRY(process.seed_schedule(schedule), "seeding the schedule of the target's threads", schedule);
    TRY(machine.take_snapshot(*snapshot_), "taking the snapshot");
    snapshot_point_ = TRY(mm::allocate<guest::SnapshotPoint>(world->allocator, process.snapshot_point()),
                          "keeping the target's control block");
    if (program_.files().count() != 0)
        LOG(kernel, "{} files of the target are in its file system, {} bytes with their paths",
            program_.files().count(), program_.files().records().size());
    LOG(kernel, "snapshot taken: {} edge counters, {} pages and {} that repeat one word, digest {h}",
        process.counter_count(), snapshot_->pages(), snapshot_->pattern_pages(), snapshot_->digest());
    return process;
}

rstate::Result<Process> Target::attach(Machine &machine) {
    TRY(machine.attach(*snapshot_), "attaching to the snapshot");
    return Process::attach(machine, program_, *snapshot_point_, deadlines_);
}

static constinit Atomic<u64> kept_by_svm;

u64 frames_kept_by_svm() { return kept_by_svm.load(); }

rstate::Result<mm::Owned<svm::Core>> start_svm() {
    const cpu::Features features = cpu::Features::read();
    TRY(svm::check_support(features), "checking that this processor can run virtual machines");
    static constinit u64 shared_maps = 0; // core 0 makes them before any other core calls this
    if (shared_maps == 0) {
        const Phys first = TRY(world->frames.allocate_run(svm::PermissionMaps::pages, 1, mm::Owner::device),
                               "allocating frames for the permission maps");
        TRY(svm::PermissionMaps::fill(world->windows, first), "filling the permission maps");
        shared_maps = first.value();
        kept_by_svm.fetch_add(svm::PermissionMaps::pages);
    }
    auto core =
        TRY(mm::allocate<svm::Core>(world->allocator, features, svm::PermissionMaps{Phys(shared_maps)}),
            "allocating this core's SVM state");
    TRY(core->start(world->windows, world->frames), "switching SVM on");
    kept_by_svm.fetch_add(svm::Core::frames_for_good);
    return core;
}

rstate::Result<Machine> make_machine(svm::Core &core, const Target &target) {
    // With the faulting page 64 KiB. Measured: one nested page fault in 100 cases is left.
    constexpr u32 pages_ahead = 15;
    Machine machine =
        TRY(Machine::make(core, world->windows, world->frames, world->allocator, target.memory_size()),
            "making a virtual machine", target.memory_size());
    machine.set_fault_around(pages_ahead);
    return machine;
}

} // namespace kernel
