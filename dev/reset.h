// dev/reset.h — starts the machine again from its firmware, as if the reset button had been pressed.
#pragma once

namespace dev {

// By the reset register of the chipset, then by the keyboard controller. Returns when neither is there.
void reset_machine();

} // namespace dev
