// guest/start.h — puts a program into an empty machine and says with which registers it starts, as Linux
// does.
#pragma once

#include "guest/memory.h"
#include "guest/program.h"

namespace guest {

struct Start {
    vm::Registers registers;
    vm::SystemRegisters system;
};

// Page tables, the program's segments, the system calls' stub, and the first stack. The memory is all zero
// before.
rstate::Result<Start> load_program(Memory memory, const Program &program);

} // namespace guest
