// dev/pit.h — the 8254 timer's channel 2, used at the start: to learn how fast other clocks run.
#pragma once

#include "base/types.h"

namespace dev {

// Waits `milliseconds` (at most 50), measured by the PIT, and returns false when there is none to measure by.
bool pit_wait(u32 milliseconds);

} // namespace dev
