// guest/instruction.h — decodes the instruction at a fault as far as the classification of faults needs it.
//
// Not a disassembler: it decodes prefixes, opcode and the address of the memory operand, and the length only
// of instructions that are emulated and skipped.
#pragma once

#include "base/span.h"
#include "vm/outcome.h"
#include "vm/prefixes.h"
#include "vm/registers.h"

namespace guest {

struct Instruction {
    enum class Kind : u8 { other, rdtsc, rdtscp, ud1, ud2, halt, breakpoint };
    Kind kind = Kind::other;
    bool locked = false;                  // has a LOCK prefix
    u8 length = 0;                        // of rdtsc and rdtscp
    u8 check = 0;                         // of ud1: the number of UBSan's check, which is its displacement
    bool memory = false;                  // has one memory operand, whose address and access follow
    u64 address = 0;                      // not necessarily canonical
    u64 displacement = 0;                 // its constant part
    vm::Access access = vm::Access::none; // none: not known
    u8 size = 0;                          // of the access, 0: not known
};

// `code` begins at registers.rip and may be shorter than the instruction, which is then `other`.
Instruction decode(Bytes code, const vm::Registers &registers, u64 fs_base, u64 gs_base);

} // namespace guest
