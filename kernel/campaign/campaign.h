// kernel/campaign/campaign.h — fuzzing on all cores: one worker each, records to the console, until somebody
// says stop.
#pragma once

#include "kernel/campaign/target.h"

namespace kernel {

// Runs until the options' limit or a 'q' on the console; the end record's status is then "ok".
rstate::Result<> run_campaign(const boot::Bundle &bundle, const boot::Options &options, u32 core_count,
                              u64 tsc_hz);

// Runs the bundle's "replay" once and tells what came of it; returns what QEMU shall exit with
// (boot/contract/exit.h).
rstate::Result<u32> replay(const boot::Bundle &bundle, const boot::Options &options, u64 tsc_hz);

} // namespace kernel
