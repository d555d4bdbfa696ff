// stage2/exceptions.h — an exception in stage2 or in the loader is told in a chain, rather than by a reset.
#pragma once

#include "dev/lapic.h"

namespace stage2 {

// From here on, until the kernel has a table of its own. `stage` is who runs, and where its first byte, which
// is linked at 0, lies. The console must be there.
void catch_exceptions(const char *stage, u64 loaded_at);

// Takes what is pending at this core's APIC from whoever ran before, an operating system's timer most likely:
// the kernel would find an interrupt that nobody here sent.
void drop_interrupts(dev::LocalApic &apic);

} // namespace stage2
