// guest/fault.h — classifies a processor exception of the target: kind, address, memory region.
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
    bool has_address = false; // the runtime can then describe the address
    u64 address = 0;
    const char *text = "";
};

// `instruction` is the one at RIP. Only for exceptions in ring 3 that no emulation has handled.
Fault explain(const vm::Exit &exit, const Instruction &instruction, const GuestLayout &layout);

} // namespace guest
