// kernel/campaign/one_input.h — what replay, examine and minimize share: the target's start, how many edges
// an input may spend, and the records of how it ended.
#pragma once

#include "fuzz/minimizer.h"
#include "fuzz/records.h"
#include "kernel/campaign/snapshot_session.h"

namespace kernel {

// Starts the timer and the target. Returns the edge budget that a campaign would give each case, so that an
// input that times out there times out here.
rstate::Result<u64> start_for_inputs(SnapshotSession &session, const boot::Bundle &bundle,
                                     const boot::Options &options, u64 ticks_per_second);

// The features of the case that has ended.
rstate::Result<> list_features(Process &process, fuzz::FeatureList &features);

// The chain and the record of a case's finding; `run` is its number.
void write_finding(SnapshotSession &session, Bytes input, const vm::Finding &finding, vm::Ending ending,
                   u64 edges, const vm::Printed &printed = {}, u64 run = 1);
// The system calls of all cases so far that nothing answers.
void write_refused_calls(SnapshotSession &session);
void write_end_record(Text status, u64 cases = 1);

// Whether other fills of fresh memory let the input end otherwise than with this crash.
rstate::Result<bool> depends_on_fill(Process &process, Bytes input, u64 budget, u64 hash);

} // namespace kernel
