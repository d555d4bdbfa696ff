// tests/kernel/unit/target_scenario.h — a fault-injection scenario: a target from its file to fuzzed cases.
#pragma once

#include <optional>

#include "fuzz/worker.h"
#include "kernel/campaign/target.h"
#include "mm/aligned_memory.h"
#include "tests/kernel/unit/fault_injection_runner.h"

namespace kernel {

using FaultyMachine = svm::Machine<FaultyMemory, FaultyFrames, FaultyEntries>;
using FaultyProcess = guest::Process<FaultyMachine>;

struct TestPlatform {
    static u64 now_us() { return 0; }
    static u64 time() { return 0; }
    static void between_cases() {}
    static fuzz::MachineFigures figures() { return {}; }
    static void send_records() {}
};

struct TargetFixture {
    const boot::Bundle &bundle;
    Phys maps; // frames for the permission maps
    Bytes seed;
};

class TargetScenario final {
  public:
    using Fixture = TargetFixture;

    explicit TargetScenario(const TargetFixture &fixture) : fixture_(fixture) {}
    TargetScenario(const TargetScenario &) = delete;
    ~TargetScenario() {
        end_machines();
        if (snapshot_ && snapshot_->taken())
            rstate::ignore(snapshot_->release(memory_, frames_),
                           "the runner reports the failure that came before");
        switch_off();
    }

    rstate::Result<> switch_on() {
        const svm::PermissionMaps maps =
            TRY(svm::PermissionMaps::fill(memory_, fixture_.maps), "filling the permission maps");
        core_.emplace(cpu::Features::read(), maps);
        TRY(core_->start(memory_, frames_), "switching SVM on");
        return rstate::done();
    }
    rstate::Result<> load() {
        const Bytes file = TRY(fixture_.bundle.find("target.elf"), "finding the target");
        const u64 slots = TRY(guest::Program::slots_needed(file), "sizing its symbol table");
        functions_ = TRY(mm::allocate_array<guest::Function>(faulty_heap, slots), "allocating its symbols");
        program_.emplace(TRY(guest::Program::make(file, functions_.span()), "checking it"));
        return rstate::done();
    }
    // A start-up that failed cannot continue: each try makes a new machine.
    rstate::Result<> take_snapshot() {
        end_machines();
        snapshot_ = TRY(mm::allocate<vm::Snapshot>(faulty_heap), "allocating the snapshot");
        TRY(make(first_), "making the machine that starts the target");
        FaultyProcess process = TRY(FaultyProcess::load(*first_, *program_, deadlines), "loading the target");
        TRY(process.run_to_snapshot_point(), "running it to its snapshot point");
        snapshot_point_ = TRY(mm::allocate<guest::SnapshotPoint>(faulty_heap, process.snapshot_point()),
                              "keeping its control block");
        TRY(first_->take_snapshot(*snapshot_), "taking its snapshot");
        return rstate::done();
    }
    rstate::Result<> attach() {
        process_.reset(), second_.reset();
        TRY(make(second_), "making another machine");
        TRY(second_->attach(*snapshot_), "attaching it to the snapshot");
        process_.emplace(FaultyProcess::attach(*second_, *program_, *snapshot_point_, deadlines));
        return rstate::done();
    }
    rstate::Result<> run_case() {
        TRY(process_->reset(), "resetting to the snapshot"); // an earlier try may have failed anywhere
        TRY(process_->run_case(fixture_.seed, {.edge_budget = 10'000'000}), "running a case");
        TRY(process_->visit_counters([](u32, Bytes) {}), "reading its counters");
        TRY(process_->reset(), "resetting after the case");
        const u64 digest = TRY(process_->digest(), "computing the digest after the reset");
        EXPECT(digest == snapshot_->digest(), digest, snapshot_->digest());
        return rstate::done();
    }
    rstate::Result<> fuzz() {
        constexpr u64 cases = 16, seed = 1;
        TRY(process_->reset(), "resetting to the snapshot");
        const u32 edges = process_->counter_count();
        const fuzz::SharedSize shared_size{1, edges, 1u << 10};
        const fuzz::WorkerSize size{
            .edges = edges, .max_len = 4096, .entries = 64, .corpus_bytes = 64u << 10};
        const u32 capacity = fuzz::outbox_capacity(size.max_len);
        const usize bytes =
            fuzz::Shared::memory(shared_size) + fuzz::Worker::memory(size) + fuzz::Outbox::memory(capacity);
        auto tables = TRY(mm::allocate_aligned(faulty_heap, bytes), "allocating the fuzzer's tables", bytes);
        fuzz::Arena arena(mm::bytes_of(tables));
        auto shared = TRY(mm::allocate<fuzz::Shared>(faulty_heap, arena, shared_size, cases),
                          "allocating what cores share");
        auto outbox =
            TRY(mm::allocate<fuzz::Outbox>(faulty_heap, arena, capacity), "allocating the outbox", capacity);
        TestPlatform platform;
        auto worker =
            TRY(mm::allocate<fuzz::Worker>(faulty_heap, fuzz::Executor::of(*process_),
                                           fuzz::Platform::of(platform), *shared, *outbox, arena, size,
                                           fuzz::WorkerOptions{.seed = seed, .digest_every = 8}),
                "allocating the worker");
        const fuzz::Seed seeds[] = {{fixture_.seed}};
        TRY(worker->run({seeds, 1}), "fuzzing");
        EXPECT(worker->cases() == cases, worker->cases());
        return rstate::done();
    }
    rstate::Result<> release() {
        injector.disable();
        end_machines();
        injector.enable();
        return snapshot_->release(memory_, frames_);
    }

    using S = TargetScenario;
    static constexpr Step<S> steps[] = {
        {&S::switch_on,
         {"filling the permission maps", "taking the host save area", "taking the host's VMCB",
          "clearing the host save area", "clearing the host's VMCB"}},
        {&S::load, {"allocating its symbols"}},
        {&S::take_snapshot,
         {"making a virtual machine", "loading the target", "running the target's start-up",
          "reading the target's control block", "sharing the target's page tables", "taking the snapshot",
          "allocating the snapshot", "keeping its control block"}},
        {&S::attach, {"making a virtual machine", "attaching it to the snapshot"}},
        {&S::run_case,
         {"resetting the target's machine", "giving the target its input", "running the target",
          "reading its counters", "hashing the target's memory"}},
        {&S::fuzz,
         {"resetting the target's machine", "fuzzing", "allocating the fuzzer's tables",
          "allocating what cores share", "allocating the outbox", "allocating the worker"}},
        {&S::release, {"pinning a snapshot's table to free its pages"}}};

  private:
    rstate::Result<> make(std::optional<FaultyMachine> &machine) {
        const u64 size = align_up(program_->layout().memory_needed(), 2_MiB);
        machine.emplace(TRY(FaultyMachine::make(*core_, memory_, frames_, faulty_heap, size),
                            "making a virtual machine", size));
        machine->set_fault_around(15);
        return rstate::done();
    }
    void end_machines() { process_.reset(), second_.reset(), first_.reset(); }
    // A core never frees two of its frames, but a scenario must end with the frames that it began with.
    void switch_off() {
        if (!core_ || core_->host_vmcb().value() == 0) return;
        const Phys save(cpu::read_msr(cpu::Msr::vm_hsave_pa));
        svm::disable();
        frames_.free(save, mm::Owner::device);
        frames_.free(core_->host_vmcb(), mm::Owner::device);
    }

    TargetFixture fixture_;
    FaultyMemory memory_;
    FaultyFrames frames_;
    std::optional<svm::Core> core_;
    mm::OwnedArray<guest::Function> functions_;
    std::optional<guest::Program> program_;
    mm::Owned<vm::Snapshot> snapshot_;
    mm::Owned<guest::SnapshotPoint> snapshot_point_;
    std::optional<FaultyMachine> first_, second_;
    std::optional<FaultyProcess> process_;
};

} // namespace kernel
