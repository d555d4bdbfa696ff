// kernel/entry/stray.h — interrupts that no code here asked for: counted, and reported once for each vector.
#pragma once

#include "base/types.h"

namespace kernel {

// The uncached mapping of an I/O APIC's registers, to find out which of its lines a stray interrupt came
// from.
void attach_io_apic(volatile u32 *registers);
// In the interrupt's handler. It masks the line that the interrupt came from: a device that no driver serves
// never stops to interrupt.
void handle_stray(u8 vector);
// On all cores, since the start.
u64 stray_interrupts();

} // namespace kernel
