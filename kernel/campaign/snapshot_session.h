// kernel/campaign/snapshot_session.h — a target that is ready to run cases on core 0: loaded, started in a
// virtual machine, and stopped at its snapshot (vm/snapshot_taker.h takes it).
#pragma once

#include <optional>

#include "kernel/campaign/target.h"

namespace kernel {

// Its parts refer to each other, so it does not move.
class SnapshotSession final {
  public:
    SnapshotSession() = default;
    SnapshotSession(const SnapshotSession &) = delete;

    // Of the target's threads; before start().
    void set_schedule(u64 seed) { schedule_ = seed; }
    // Loads the bundle's target under the options' name, switches SVM on for this core, makes the machine,
    // runs the target to its snapshot point and takes the snapshot. Once. The caller starts the timer's ticks
    // before: they end a start-up that takes too long. The options' texts outlive the session.
    rstate::Result<> start(const boot::Bundle &bundle, const boot::Options &options = {});

    // After start().
    Target &target() { return *target_; }
    Machine &machine() { return *machine_; }
    Process &process() { return *process_; }

  private:
    u64 schedule_ = 0;
    // In the order of their construction: the target's destructor needs that no machine is left.
    std::optional<Target> target_;
    mm::Owned<svm::Core> svm_;
    std::optional<Machine> machine_;
    std::optional<Process> process_;
};

} // namespace kernel
