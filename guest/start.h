// guest/start.h — loads a program into an empty machine and sets up its first stack and registers, as Linux's
// execve does.
#pragma once

#include "guest/memory.h"
#include "guest/program.h"

namespace guest {

struct Start {
    vm::Registers registers;
    vm::SystemRegisters system;
};

// Writes page tables, the program's segments, the system call stub, the files that the target brings, and the
// first stack. The memory is all zero before.
rstate::Result<Start> load_program(Memory memory, const Program &program);

} // namespace guest
