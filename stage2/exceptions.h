// stage2/exceptions.h — an exception in stage2 or in the loader is reported as an error chain, not by a
// reset.
#pragma once

#include "dev/lapic.h"

namespace stage2 {

// Holds until the kernel has its own interrupt table. `stage` names the program that runs, linked at 0 and
// loaded at `loaded_at`. The console must be initialised.
void catch_exceptions(const char *stage, u64 loaded_at);

// Takes and ignores the interrupts that an earlier program left pending in this core's APIC, for example an
// operating system's timer: the kernel would receive an interrupt that it does not expect.
void drop_interrupts(dev::LocalApic &apic);

} // namespace stage2
