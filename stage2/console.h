// stage2/console.h — where stage2's lines go, and how it ends when it cannot go on.
#pragma once

#include "rstate/result.h"

namespace stage2 {

void init_console();
// Prints the chain and stops this machine; under QEMU with its debug-exit device, status "our own system
// failed".
[[noreturn]] void stop(rstate::Error error);

} // namespace stage2
