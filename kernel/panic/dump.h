// kernel/panic/dump.h — prints what a core was doing: registers, callers, held locks.
//
// For the panic path: nothing here takes a lock, allocates, or reads memory that might not be mapped.
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "kernel/entry/traps.h"

namespace kernel {

// The kernel's place in memory, for printing addresses as offsets; set first at start-up.
void set_kernel_image(u64 base, u64 text_bytes);

// Prints an address in the kernel's code as an offset, too: `build.py explain` resolves it to file and line.
void dump_address(Text label, u64 address);
void dump_registers(const TrapFrame &frame);
// Prints this core's callers, at most `most`, innermost first: follows the frame pointers that each function
// saves.
void dump_callers(u64 frame_pointer, u32 most);
// Stores the same callers and returns how many there are.
u32 callers_of(u64 frame_pointer, Span<u64> callers);
void dump_locks(u32 core);

} // namespace kernel
