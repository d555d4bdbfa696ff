// kernel/smp/jobs.h — work for all cores: core 0 gives it out, takes part, and goes on when every core has
// ended it.
//
// A core without work halts, so that it takes nothing from those that have some.
#pragma once

#include "base/types.h"

namespace kernel {

struct Job {
    void (*run)(void *context) = nullptr; // on each core; current_core() says on which
    void *context = nullptr;
};

// On core 0. The first `cores` cores run the job; returns when all of them have ended it.
void run_on_cores(u32 cores, const Job &job);

// What the other cores do, for ever.
[[noreturn]] void serve_jobs();

} // namespace kernel
