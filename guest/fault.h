// guest/fault.h — classifies a processor exception of the target: kind, address, memory region.
#pragma once

#include "guest/instruction.h"
#include "guest/layout.h"
#include "guest/memory.h"

namespace guest {

// APM vol 2 §8.2 "Vectors".
enum Vector : u8 {
    divide_error = 0,
    debug = 1,
    breakpoint = 3,
    overflow = 4,
    bound_range = 5,
    invalid_opcode = 6,
    invalid_tss = 10,
    segment_not_present = 11,
    stack_fault = 12,
    general_protection = 13,
    page_fault = 14,
    x87_floating_point = 16,
    alignment_check = 17,
    simd_floating_point = 19,
};

struct Fault {
    rl_kind kind = rl_kind_other_exception;
    rl_region region = rl_region_none;
    vm::Access access = vm::Access::none;
    u64 size = 0;
    bool has_address = false; // the runtime can then describe the address
    u64 address = 0;
    const char *text = "";
};

// `instruction` is the one at RIP. Only for exceptions in ring 3 that no emulation has handled.
Fault explain(const vm::Exit &exit, const Instruction &instruction, const GuestLayout &layout);

} // namespace guest
