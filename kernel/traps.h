// kernel/traps.h — descriptor tables, and what happens on exceptions and interrupts.
#pragma once

#include "kernel/core.h"

namespace kernel {

// As kernel/entry.asm pushes it.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 22 * 8);

// Vectors of our own, above the processor's 32.
constexpr u8 timer_vector = 0x40;
constexpr u8 shoot_down_vector = 0x41;
constexpr u8 wake_vector = 0x42; // ends a halt, nothing more
constexpr u8 spurious_vector = 0xFF;

// Fills the one interrupt descriptor table; once, by core 0.
void build_interrupt_table();
// Loads this core's descriptor tables. `stacks` holds the tops of its interrupt stacks, by InterruptStack.
void load_core_tables(Core &core, const u64 (&stacks)[stack_count]);

} // namespace kernel
