// kernel/console.h — the machine's one console: text for people and records for tools, whole lines only.
#pragma once

#include "base/text.h"

namespace kernel {

void init_console();
// The screen's text buffer, once it is mapped in the kernel's world.
void attach_screen(volatile u16 *cells);
// One that is drawn pixel by pixel; likewise.
void attach_framebuffer(volatile u32 *pixels, u32 width, u32 height, u32 stride, u32 row);
// A line on the screens alone, in the place of the one before; the next line for people takes its place.
void show_status(Text line);
// From now on lines go out whoever holds the console: the holder may be dead, or nobody has set it up yet.
void seize_console();
// One byte from the serial line, if somebody sent one.
bool read_console(u8 &byte);
// As many bytes of a record as the port takes without waiting. Until a record ends, lines for people are kept
// back.
usize write_record_some(Text text);
void end_record();
// Waits until all that was written has left the port.
void flush_console();
// Waits until all is written.
void write_record(Text text);

} // namespace kernel
