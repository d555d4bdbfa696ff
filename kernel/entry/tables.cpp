// kernel/entry/tables.cpp — the descriptor tables: one IDT for all cores, a GDT and a task state segment for
// each core.
#include "base/bits.h"
#include "cpu/registers.h"
#include "kernel/entry/traps.h"

extern "C" {
extern const u64 trap_stubs[256];

// LGDT and LIDT read from `limit` on. The padding aligns `base`, so that it can be relocated.
struct TablePointer {
    u16 padding[3];
    u16 limit;
    u64 base;
};
void load_tables(const u16 *gdt, const u16 *idt, u16 tss);
}

namespace kernel {

namespace {

constexpr u16 code_selector = 0x08, task_selector = 0x18;
constexpr u64 code_segment = 0x00AF9A000000FFFF, data_segment = 0x00CF92000000FFFF;

// APM vol 2 §4.8.4 "Long-Mode Descriptor Summary": an interrupt gate, DPL 0, so that no guest can call it.
struct Gate {
    u64 low = 0, high = 0;
    using OffsetLow = Bits<15, 0>;
    using Selector = Bits<31, 16>;
    using InterruptStackTable = Bits<34, 32>;
    using Type = Bits<43, 40>;
    using Present = Bits<47>;
    using OffsetMiddle = Bits<63, 48>;
    static constexpr u64 interrupt_gate = 14;

    static Gate to(u64 handler, u32 stack) {
        Gate gate;
        gate.low = OffsetLow::make(handler) | Selector::make(code_selector) |
                   InterruptStackTable::make(stack) | Type::make(interrupt_gate) | Present::mask |
                   OffsetMiddle::make(handler >> 16);
        gate.high = handler >> 32;
        return gate;
    }
};

constinit Gate gates[256];

u32 stack_for(u32 vector) {
    switch (static_cast<cpu::Vector>(vector)) {
    case cpu::Vector::double_fault:
        return double_fault_stack;
    case cpu::Vector::nmi:
        return nmi_stack;
    case cpu::Vector::machine_check:
        return machine_check_stack;
    default:
        return no_stack;
    }
}

// A 16-byte descriptor: type 9 is an available 64-bit task state.
void set_task_descriptor(Core &core) {
    const u64 base = reinterpret_cast<u64>(&core.task);
    core.gdt[3] =
        (sizeof(TaskState) - 1) | (base & 0xFFFFFF) << 16 | 0x89ul << 40 | (base >> 24 & 0xFF) << 56;
    core.gdt[4] = base >> 32;
}

} // namespace

void build_interrupt_table() {
    for (u32 vector = 0; vector < 256; ++vector)
        gates[vector] = Gate::to(trap_stubs[vector], stack_for(vector));
}

void set_interrupt_stacks(Core &core) {
    for (u32 i = 1; i < stack_count; ++i) core.task.set_interrupt_stack(i, core.stack_tops[i]);
}

void load_core_tables(Core &core) {
    core.gdt[1] = code_segment;
    core.gdt[2] = data_segment;
    set_interrupt_stacks(core);
    core.task.words[25] = sizeof(TaskState) << 16; // no I/O permission map
    set_task_descriptor(core);
    const TablePointer gdt{{}, sizeof core.gdt - 1, reinterpret_cast<u64>(core.gdt)};
    const TablePointer idt{{}, sizeof gates - 1, reinterpret_cast<u64>(gates)};
    load_tables(&gdt.limit, &idt.limit, task_selector);
}

[[noreturn]] void triple_fault() {
    Core &core = *core_table[current_core()];
    set_task_descriptor(core); // available again: to load a busy one would fault before the IDT is gone
    const TablePointer gdt{{}, sizeof core.gdt - 1, reinterpret_cast<u64>(core.gdt)};
    const TablePointer none{{}, 0, 0};
    load_tables(&gdt.limit, &none.limit, task_selector);
    __builtin_trap();
}

} // namespace kernel
