// kernel/smp/jobs.h — jobs for all cores: core 0 starts a job, takes part in it, and continues when every
// core has ended it.
//
// A core without a job halts, so that an emulator gives its time to the other cores.
#pragma once

#include "base/types.h"

namespace kernel {

struct Job {
    void (*run)(void *context) = nullptr; // on each core; current_core() says on which
    void *context = nullptr;
};

// On core 0, and not within a job. The first `cores` cores run the job; returns when all of them have ended
// it.
void run_on_cores(u32 cores, const Job &job);

// The other cores' loop: waits for jobs and runs them.
[[noreturn]] void serve_jobs();

} // namespace kernel
