// guest/fault.h — what an exception of the processor means for the target that caused it.
#pragma once

#include "guest/instruction.h"
#include "guest/layout.h"
#include "guest/memory.h"

namespace guest {

struct Fault {
    rl_kind kind = rl_kind_other_exception;
    rl_region region = rl_region_none;
    vm::Access access = vm::Access::none;
    u64 size = 0;
    bool has_address = false; // of the access, for which the target's runtime may be asked
    u64 address = 0;
    const char *text = "";
};

// `instruction` is what stands at RIP. Only for exceptions of ring 3 that nothing else has answered.
Fault explain(const vm::Exit &exit, const Instruction &instruction, const Plan &plan);

} // namespace guest
