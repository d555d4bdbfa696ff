// kernel/campaign/snapshot_session.cpp — a target that is ready to run cases; see snapshot_session.h.
#include "kernel/campaign/snapshot_session.h"

namespace kernel {

rstate::Result<> SnapshotSession::start(const boot::Bundle &bundle, const boot::Options &options) {
    target_.emplace(TRY(Target::load(bundle, options), "loading the target"));
    svm_ = TRY(start_svm(), "switching SVM on for this core");
    machine_.emplace(TRY(make_machine(*svm_, *target_), "making the machine"));
    process_.emplace(
        TRY(target_->take_snapshot(*machine_, schedule_), "taking the snapshot that every case starts from"));
    return rstate::done();
}

} // namespace kernel
