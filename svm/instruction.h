// svm/instruction.h — how long an intercepted instruction is, for processors that do not save the next RIP.
#pragma once

#include "base/span.h"
#include "rstate/result.h"

namespace svm {

constexpr u32 max_instruction_bytes = 15;

// The length of the instruction at the start of `bytes`, prefixes included. It must be the one that
// `exit_code` names: anything else means that somebody changed the guest's code or its RIP.
rstate::Result<u32> instruction_length(u64 exit_code, Bytes bytes);

} // namespace svm
