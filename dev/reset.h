// dev/reset.h — resets the machine: it starts again from its firmware.
#pragma once

namespace dev {

// Uses the chipset's reset register, then the keyboard controller. Returns when neither works.
void reset_machine();

} // namespace dev
