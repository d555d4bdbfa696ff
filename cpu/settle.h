// cpu/settle.h — brings a core into one known state, whatever firmware or boot loader left in its registers.
//
// The first core arrives as the firmware left it, the others as INIT did, so they differ in registers that no
// stage needs and that a target can feel: the same case would end differently on another core.
#pragma once

#include "cpu/errata.h"

namespace cpu {

// The PAT of every core: its value after a reset, but entry 1, which is write-combining instead of
// write-through (mm/formats.h, Cache). APM vol 2 §7.8.2 "PAT Indexing".
constexpr u64 pat_value = 0x0007'0406'0007'0106;
constexpr u64 dr7_at_reset = 0x400; // APM vol 2 §13.1.1 "Debug Registers": no breakpoint

// On every core, first in the kernel and once it has its interrupt table; before it enables SVM, and before
// the kernel makes its LocalApic: cores in different modes cannot share one.
ErrataResult settle_core(const Features &features);

// Switches this core to x2APIC mode where CPUID lists it: in the other mode ids from 255 on cannot be
// reached. It reads that bit alone, since stage2, which has little room, needs no other.
void enable_x2apic();

} // namespace cpu
