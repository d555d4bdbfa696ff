// dev/pci.h — PCI configuration space by ports CF8h and CFCh, as far as the boot needs it.
//
// PCI Local Bus Specification 3.0 §3.2.2.3.2 "Software Generation of Configuration Transactions". It reaches
// the 256 buses of segment 0.
#pragma once

#include "base/types.h"

namespace dev {

// Clears Bus Master Enable of every function but bridges and display controllers; returns how many had it
// set. A device that the firmware left running then writes no more to memory, and sends no message-signalled
// interrupt.
u32 stop_bus_masters();

} // namespace dev
