// kernel/smp/jobs.cpp — see jobs.h.
#include "kernel/smp/jobs.h"

#include "base/core.h"
#include "cpu/lock.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"

namespace kernel {

namespace {

constinit Job job;
constinit u32 job_cores = 0;
constinit u32 job_number = 0; // rises with each job: written last, read first
constinit u32 ended = 0;      // cores that have ended the current job

} // namespace

void run_on_cores(u32 cores, const Job &given) {
    job = given;
    job_cores = cores;
    __atomic_store_n(&ended, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&job_number, 1, __ATOMIC_RELEASE);
    for (u32 core = 1; core < cores; ++core) send_interrupt(core, wake_vector);
    given.run(given.context);
    while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) != cores - 1) {
        cpu::while_waiting();
        cpu::pause();
    }
}

void serve_jobs() {
    u32 last = 0;
    for (;;) {
        // Interrupts are off from the look at the number until the halt, so a wake between them is not lost.
        cpu::disable_interrupts();
        const u32 number = __atomic_load_n(&job_number, __ATOMIC_ACQUIRE);
        if (number == last || current_core() >= job_cores) {
            last = number;
            cpu::enable_interrupts_and_halt();
            continue;
        }
        cpu::enable_interrupts();
        last = number;
        job.run(job.context);
        __atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
    }
}

} // namespace kernel
