// kernel/campaign/target.h — the target that is fuzzed: the bundle's program and its one snapshot, which all
// cores' machines start from.
#pragma once

#include "boot/formats/bundle.h"
#include "boot/formats/options.h"
#include "guest/program.h"
#include "kernel/world.h"

namespace kernel {

// The case deadline in ticks. Each tick costs an exit from the guest, so ticks are rare. A case that spends
// none of its edge budget for five ticks hangs in code without edge counters.
constexpr u32 tick_milliseconds = 1000;
constexpr guest::Deadlines deadlines{
    .start_ticks = 60, .case_ticks = 5, .describe_ticks = 2, .poll_ticks = 1};
// With a timeout in seconds, the deadline is for the whole case, and edges do not limit it.
guest::Deadlines deadlines_of(const boot::Options &options);
u64 timeout_edges(const boot::Options &options);

class Target final {
  public:
    // Reads the bundle's target and checks it. The bundle and the options' texts outlive the target.
    static rstate::Result<Target> load(const boot::Bundle &bundle, const boot::Options &options = {});
    Target(Target &&) = default;
    // No machine may be attached to the snapshot any more.
    ~Target();

    const guest::Program &program() const { return program_; }
    u64 memory_size() const { return align_up(program_.layout().memory_needed(), 2_MiB); }
    vm::Snapshot &snapshot() { return *snapshot_; }
    const guest::SnapshotPoint &snapshot_point() const { return *snapshot_point_; }

    // On core 0, once: runs the target to its snapshot point in `machine` and takes the snapshot. `schedule`
    // is the seed of the order of the target's threads in each case.
    rstate::Result<Process> take_snapshot(Machine &machine, u64 schedule = 0);
    // On any other core: sets `machine` to the snapshot.
    rstate::Result<Process> attach(Machine &machine);

  private:
    Target(mm::OwnedArray<guest::Function> &&functions, const guest::Program &program,
           const guest::Deadlines &limits)
        : functions_(std::move(functions)), program_(program), deadlines_(limits) {}

    mm::OwnedArray<guest::Function> functions_;
    guest::Program program_;
    guest::Deadlines deadlines_;
    mm::Owned<vm::Snapshot> snapshot_;
    mm::Owned<guest::SnapshotPoint> snapshot_point_;
};

// Switches SVM on for this core. The result must live as long as this core's machines.
rstate::Result<mm::Owned<svm::Core>> start_svm();
// How many frames of mm::Owner::device the calls of start_svm so far have taken and never free.
u64 frames_kept_by_svm();
rstate::Result<Machine> make_machine(svm::Core &core, const Target &target);

} // namespace kernel
