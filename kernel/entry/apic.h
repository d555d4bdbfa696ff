// kernel/entry/apic.h — this machine's interprocessor interrupts and ticks, over each core's local APIC.
#pragma once

#include "base/types.h"

namespace kernel {

// `registers` is the uncached mapping all cores share; called once, then enable_apic on every core.
void set_apic(volatile u32 *registers);
void enable_apic();
void end_of_interrupt();
void send_interrupt(u32 core, u8 vector);
// Reaches a core that has interrupts off, though not one that serves an NMI already.
void send_nmi(u32 core);
// Makes a core wait for its start, wherever it is.
void send_init(u32 core);
// A tick every `milliseconds` on this core, measured against the time stamp counter.
void start_ticks(u32 milliseconds, u64 tsc_hz);
void stop_ticks();

} // namespace kernel
