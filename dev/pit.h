// dev/pit.h — channel 2 of the 8254 timer (PIT), used at boot to measure the rate of other clocks.
#pragma once

#include "base/types.h"

namespace dev {

// Waits `milliseconds` (at most 50), measured by the PIT; false when there is no PIT.
bool pit_wait(u32 milliseconds);

} // namespace dev
