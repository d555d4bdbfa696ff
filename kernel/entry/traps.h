// kernel/entry/traps.h — descriptor tables, and what happens on exceptions and interrupts.
#pragma once

#include "cpu/registers.h"
#include "kernel/smp/core.h"

namespace kernel {

// As kernel/entry/entry.asm pushes it.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 22 * 8);

// Vectors of our own, above the processor's 32.
constexpr u8 timer_vector = 0x40;
constexpr u8 tlb_shootdown_vector = 0x41;
constexpr u8 wake_vector = 0x42;   // ends a halt, nothing more
constexpr u8 retire_vector = 0x43; // stops the core for good, before a reboot
constexpr u8 spurious_vector = 0xFF;

// Fills the one interrupt descriptor table; once, by core 0.
void build_interrupt_table();
// Loads this core's descriptor tables.
void load_core_tables(Core &core);
// Tells the processor of `core.stack_tops`; for the core whose they are, at any time.
void set_interrupt_stacks(Core &core);

// What comes between any two instructions, rather than from one of them.
constexpr bool is_interrupt(u64 vector) {
    return vector >= 32 || vector == static_cast<u64>(cpu::Vector::nmi);
}

// Takes the interrupt table away and faults: the processor shuts down, which resets the machine.
[[noreturn]] void triple_fault();

} // namespace kernel
