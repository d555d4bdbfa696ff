// kernel/smp/jobs.cpp — jobs for all cores; see jobs.h.
#include "kernel/smp/jobs.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/core.h"
#include "cpu/lock.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"

namespace kernel {

namespace {

// Core 0 sets a core's job, and that core clears it when it has ended it: no core can take a job twice, nor
// one that is not its own.
struct alignas(64) CoreJob {
    Atomic<const Job *> job;
};
constinit CoreJob jobs[max_cores];
constinit bool running_job = false; // core 0's own

void wait_until_ended(u32 core) {
    while (jobs[core].job.load(Order::acquire) != nullptr) {
        cpu::while_waiting();
        cpu::pause();
    }
}

} // namespace

void run_on_cores(u32 cores, const Job &job) {
    CHECK(current_core() == 0, "core 0 alone gives jobs", current_core());
    CHECK(!running_job, "a job starts no other: the other cores may still be in it");
    running_job = true;
    for (u32 core = 1; core < cores; ++core) {
        jobs[core].job.store(&job, Order::release);
        send_ipi(core, wake_vector);
    }
    job.run(job.context);
    for (u32 core = 1; core < cores; ++core) wait_until_ended(core);
    running_job = false;
}

void serve_jobs() {
    Atomic<const Job *> &mine = jobs[current_core()].job;
    for (;;) {
        // Interrupts are off from the look at the job until the halt, so that the wake-up IPI is not lost.
        cpu::disable_interrupts();
        const Job *job = mine.load(Order::acquire);
        if (job == nullptr) {
            cpu::enable_interrupts_and_halt();
            continue;
        }
        cpu::enable_interrupts();
        job->run(job->context);
        mine.store(nullptr, Order::release);
    }
}

} // namespace kernel
