// kernel/console.h — the machine's one console: text for people and records for tools, whole lines only.
#pragma once

#include "base/text.h"

namespace kernel {

void init_console();
// The screen's text buffer, once it is mapped in the kernel's world.
void attach_screen(volatile u16 *cells);
// From now on lines go out whoever holds the console: the holder may be dead.
void seize_console();
// One byte from the serial line, if somebody sent one.
bool read_console(u8 &byte);
// As many bytes of `text` as the port takes without waiting; for records, so that no worker ever waits.
usize write_console_some(Text text);
// Waits until all is written.
void write_console(Text text);

} // namespace kernel
