// kernel/entry/traps.h — exceptions and interrupts: the trap frame, the kernel's vectors, the descriptor
// tables.
#pragma once

#include "cpu/registers.h"
#include "kernel/smp/core.h"

namespace kernel {

// The registers as kernel/entry/entry.asm pushes them.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 22 * 8);

// The kernel's own vectors, above the processor's 32. All but the timer's are IPIs.
constexpr u8 timer_vector = 0x40;
constexpr u8 tlb_shootdown_vector = 0x41;
constexpr u8 wake_vector = 0x42;            // ends a halt, nothing more
constexpr u8 stop_for_reboot_vector = 0x43; // stops the core for good, before a reboot
constexpr u8 spurious_vector = 0xFF;

// Fills the interrupt descriptor table (IDT), which all cores share; once, on core 0.
void build_interrupt_table();
// Loads this core's descriptor tables.
void load_core_tables(Core &core);
// Sets the interrupt stacks of this core from `core.stack_tops`.
void set_interrupt_stacks(Core &core);

// Whether the vector is of an interrupt, which comes between any two instructions, rather than an exception.
constexpr bool is_interrupt(u64 vector) {
    return vector >= 32 || vector == static_cast<u64>(cpu::Vector::nmi);
}

// Loads an empty IDT and faults: the processor shuts down, which resets the machine.
[[noreturn]] void triple_fault();

} // namespace kernel
