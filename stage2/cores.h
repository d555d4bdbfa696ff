// stage2/cores.h — starts cores (INIT and startup IPIs) and sends them into the kernel through the hand-over
// page.
#pragma once

#include "dev/lapic.h"
#include "rstate/result.h"
#include "stage2/clock.h"

namespace stage2 {

// What a core reads in the hand-over page; the layout is the mailbox's in trampoline.asm.
struct Arrival {
    u64 root;
    u64 stack;
    u64 args;
    u64 entry;
};

// Copies the trampoline into this page below 1 MiB, whose number is the startup IPI's vector.
void install_trampoline(u64 page);
// Sends INIT to one core. The caller waits 10 ms before start_core; one wait serves for all cores.
void reset_core(dev::LocalApic &apic, u32 apic_id);
// True when the core has read its arrival; false when it does not start within 200 ms.
bool start_core(dev::LocalApic &apic, u32 apic_id, const Arrival &arrival, const Clock &clock);
// The boot core enters the kernel.
[[noreturn]] void enter(const Arrival &arrival);

} // namespace stage2
