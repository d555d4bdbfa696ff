// stage2/console.h — where the lines of stage2 and of the loader go, and how it ends when it cannot go on.
#pragma once

#include "base/text.h"
#include "rstate/result.h"

namespace stage2 {

// Shows text on a screen that is drawn pixel by pixel; gives the row in which it goes on.
using Drawing = u32 (*)(const char *text, u64 bytes);

void init_console(Drawing drawing);
u32 next_screen_row();
// Ends this machine without a word; under QEMU with its debug-exit device, status "our own system failed".
[[noreturn]] void stop_machine();
// Prints the chain of `stage` and does that.
[[noreturn]] void stop(rstate::Error error, Text stage);

} // namespace stage2
