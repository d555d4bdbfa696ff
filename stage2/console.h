// stage2/console.h — the console of stage2 and loader (serial port, VGA text, framebuffer), and how they stop
// after an error.
#pragma once

#include "base/text.h"
#include "rstate/result.h"

namespace stage2 {

// Draws text on a framebuffer; returns the row of the next line.
using Drawing = u32 (*)(const char *text, u64 bytes);

void init_console(Drawing drawing);
u16 serial_port(); // its I/O port; COM1's where there is none
u32 next_screen_row();
// Halts this machine without printing; QEMU with the debug-exit device ends with exit_system_failed.
[[noreturn]] void stop_machine();
// Prints the error's chain, then stop_machine().
[[noreturn]] void stop(rstate::Error error, Text stage);

} // namespace stage2
