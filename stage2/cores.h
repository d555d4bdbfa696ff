// stage2/cores.h — starts cores into the kernel through the hand-over page.
#pragma once

#include "dev/lapic.h"
#include "rstate/result.h"
#include "stage2/clock.h"

namespace stage2 {

// What a core takes along from the hand-over page; the layout is the trampoline's mailbox.
struct Arrival {
    u64 root;
    u64 stack;
    u64 args;
    u64 entry;
};

constexpr u64 handover_page = 0x8000; // as TRAMPOLINE in trampoline.asm

void install_trampoline();
// INIT to one core; all may be sent before the pause that they need.
void reset_core(dev::LocalApic &apic, u32 apic_id);
// True when the core has taken what it needs; false when it does not come.
bool start_core(dev::LocalApic &apic, u32 apic_id, const Arrival &arrival, const Clock &clock);
// The boot core's own way into the kernel.
[[noreturn]] void enter(const Arrival &arrival);

} // namespace stage2
