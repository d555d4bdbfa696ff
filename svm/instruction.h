// svm/instruction.h — the length of an intercepted instruction, for processors that do not save the next RIP.
#pragma once

#include "base/span.h"
#include "rstate/result.h"

namespace svm {

// A longer instruction is #GP.
constexpr u32 max_instruction_bytes = 15;

// The length of the instruction at the start of `bytes`, prefixes included. It must be the one that
// `exit_code` names; another one means that the guest's code or RIP changed since the exit.
rstate::Result<u32> instruction_length(u64 exit_code, Bytes bytes);

} // namespace svm
