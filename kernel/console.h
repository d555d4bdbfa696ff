// kernel/console.h — the console: serial line and screens, text for people and records for tools, in whole
// lines.
#pragma once

#include "base/format.h"
#include "base/span.h"

namespace kernel {

void init_console();
// The serial line is the UART at this I/O port from now on; false, and nothing changes, where there is none.
bool move_console(u16 port);
// Shows the log on the VGA text screen from now on; `cells` is its mapped buffer.
void attach_screen(volatile u16 *cells);
// The same for a framebuffer, to which the console draws pixels.
void attach_framebuffer(volatile u32 *pixels, u32 width, u32 height, u32 stride, u32 row);
// Shows these lines on the screens alone, at the bottom, where no log line reaches. Their number is always
// the same.
void show_status(Span<const Text> lines);
// From now on no core waits for the console's lock: its holder may have stopped. Initialises the console if
// it is not.
void seize_console();
// Reads one byte from the serial line; false when there is none.
bool read_console(u8 &byte);
// Sends as many bytes of a record as the port takes without waiting, and returns how many. Until end_record,
// the console keeps lines for people back.
usize write_record_some(Text text);
void end_record();
// Waits until all bytes have left the port.
void flush_console();
// Sends part of a record and waits until the port has taken it.
void write_record(Text text);
// The same as a sink. end_record() follows each record.
extern const Output record_output;

} // namespace kernel
