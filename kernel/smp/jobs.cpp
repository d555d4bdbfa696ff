// kernel/smp/jobs.cpp — jobs for all cores; see jobs.h.
#include "kernel/smp/jobs.h"

#include "base/atomic.h"
#include "base/core.h"
#include "cpu/lock.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"

namespace kernel {

namespace {

constinit Job job;
constinit u32 job_cores = 0;
constinit Atomic<u32> job_number; // rises with each job: written last, read first
constinit Atomic<u32> ended;      // cores that have ended the current job

} // namespace

void run_on_cores(u32 cores, const Job &given) {
    job = given;
    job_cores = cores;
    ended.store(0);
    job_number.fetch_add(1, Order::release);
    for (u32 core = 1; core < cores; ++core) send_ipi(core, wake_vector);
    given.run(given.context);
    while (ended.load(Order::acquire) != cores - 1) {
        cpu::while_waiting();
        cpu::pause();
    }
}

void serve_jobs() {
    u32 last = 0;
    for (;;) {
        // Interrupts are off from the read of the number until the halt, so that the wake-up IPI is not lost.
        cpu::disable_interrupts();
        const u32 number = job_number.load(Order::acquire);
        if (number == last || current_core() >= job_cores) {
            last = number;
            cpu::enable_interrupts_and_halt();
            continue;
        }
        cpu::enable_interrupts();
        last = number;
        job.run(job.context);
        ended.fetch_add(1, Order::release);
    }
}

} // namespace kernel
