// kernel/panic/dump.h — what a core was doing, as lines on the console: registers, callers, the locks it
// holds.
//
// For the panic path: nothing here takes a lock, allocates, or reads memory that might not be there.
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "kernel/entry/traps.h"

namespace kernel {

// Needed to name addresses; set as soon as they are known.
void set_kernel_image(u64 base, u64 text_bytes);

// Also as an offset into the kernel, when it is in its code: `build.py explain` knows what stands there.
void dump_address(Text label, u64 address);
void dump_registers(const TrapFrame &frame);
// Of this core, by the frame pointers that each function saves; at most `most`, innermost first.
void dump_callers(u64 frame_pointer, u32 most);
// The same as addresses; returns how many there are.
u32 callers_of(u64 frame_pointer, Span<u64> callers);
void dump_locks(u32 core);

} // namespace kernel
