// kernel/smp/core.h — the per-core data: number, descriptor tables, stacks, state.
#pragma once

#include "base/atomic.h"
#include "base/core.h"
#include "boot/contract/core_args.h"
#include "cpu/errata.h"

namespace kernel {

// APM vol 2 §12.2.5 "64-Bit Task State Segment". Written as words since its 64-bit fields are not aligned.
struct TaskState {
    u32 words[26] = {};
    void set_interrupt_stack(u32 number, u64 top) { // 1 to 7
        words[9 + 2 * (number - 1)] = static_cast<u32>(top);
        words[10 + 2 * (number - 1)] = static_cast<u32>(top >> 32);
    }
};
static_assert(sizeof(TaskState) == 104);

// Exceptions whose handler must not use the interrupted stack have a stack of their own (IST).
enum InterruptStack : u32 {
    no_stack = 0,
    double_fault_stack = 1,
    nmi_stack = 2,
    machine_check_stack = 3,
    stack_count
};
constexpr u64 interrupt_stack_bytes = 8192;

struct Core {
    u32 number = 0; // at gs:0: current_core()
    u32 apic_id = 0;
    u64 gdt[5] = {};
    TaskState task;
    const boot::CoreArgs *args = nullptr;
    u64 stack_tops[stack_count] = {}; // of the interrupt stacks; its own stack's bounds are in `args`
    // The instruction at its last tick, for the report that it does not answer.
    u64 last_tick_rip = 0;
    cpu::ErrataResult errata; // of its model
    Atomic<bool> running;
    // While another core panics. failed_too: it failed as well and waits for its turn to report; answers: it
    // has begun to print what it was doing; stopped: it has printed everything and stopped.
    Atomic<bool> failed_too, answers, stopped;
};

} // namespace kernel

extern "C" {
extern kernel::Core first_core;
extern kernel::Core *core_table[max_cores];
}
