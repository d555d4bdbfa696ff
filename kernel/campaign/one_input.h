// kernel/campaign/one_input.h — what replay, examine and minimize share: how many edges an input may spend,
// and the records of how it ended.
#pragma once

#include "fuzz/minimizer.h"
#include "fuzz/records.h"
#include "kernel/campaign/snapshot_session.h"

namespace kernel {

// Where records go: to the serial line, waiting for it.
extern const Output record_output;

// The budget that a campaign would give each case, so that an input that times out there times out here.
rstate::Result<u64> edge_budget(Process &process, const boot::Bundle &bundle, const boot::Options &options);

// The chain and the record of a case's finding; `run` is its number.
void write_finding(SnapshotSession &session, Bytes input, const vm::Finding &finding, vm::Ending ending,
                   u64 edges, const vm::Printed &printed = {}, u64 run = 1);
// The system calls of all cases so far that nothing answers.
void write_refused_calls(SnapshotSession &session);
void write_end_record(Text status, u64 cases = 1);

// Whether other fills of fresh memory let the input end otherwise than with this crash.
rstate::Result<bool> depends_on_fill(Process &process, Bytes input, u64 budget, u64 hash);

} // namespace kernel
