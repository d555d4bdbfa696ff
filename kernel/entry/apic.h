// kernel/entry/apic.h — the local APIC: inter-processor interrupts (IPIs), NMIs to other cores, timer ticks.
#pragma once

#include "base/types.h"

namespace kernel {

// `registers` is the uncached mapping that all cores share. Called once; then enable_apic on every core.
void set_apic(volatile u32 *registers);
void enable_apic();
void end_of_interrupt();
// Whether this core's APIC has delivered the vector, and its end is not announced yet.
bool in_service(u8 vector);
// Sends an inter-processor interrupt (IPI): `core` enters the handler of `vector`.
void send_ipi(u32 core, u8 vector);
// An NMI reaches a core that has interrupts off, but not one that handles an NMI already.
void send_nmi(u32 core);
// Sends an INIT IPI: the core stops whatever it does and waits for a start-up IPI.
void send_init(u32 core);
// A tick every `milliseconds` on this core, measured against the time stamp counter.
void start_ticks(u32 milliseconds, u64 ticks_per_second);
void stop_ticks();

} // namespace kernel
