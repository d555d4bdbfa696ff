// kernel/campaign/campaign.h — a fuzzing campaign: one worker on each core, records to the console, until the
// limit of cases or the command `quit`.
#pragma once

#include "kernel/campaign/target.h"

namespace kernel {

// Fuzzes until the options' limit of cases or the console's `quit`; the end record's status is then "ok".
rstate::Result<> run_campaign(const boot::Bundle &bundle, const boot::Options &options, u32 core_count,
                              u64 ticks_per_second);

// Runs the bundle's entry "replay" once and reports what it did; returns the value that QEMU exits with
// (boot/contract/exit.h).
rstate::Result<u32> replay(const boot::Bundle &bundle, const boot::Options &options, u64 ticks_per_second);

// Runs each of the bundle's entries "input/..." once, on core 0, and reports what it did; returns
// boot::exit_ok.
rstate::Result<u32> examine(const boot::Bundle &bundle, const boot::Options &options, u64 ticks_per_second);

// Makes the bundle's entry "input/0" smaller: one with a finding keeps its crash hash, any other keeps the
// edges that it reaches. Ends after the options' number of cases, if there is one; returns boot::exit_ok.
rstate::Result<u32> minimize(const boot::Bundle &bundle, const boot::Options &options, u64 ticks_per_second);

} // namespace kernel
