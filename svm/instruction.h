// svm/instruction.h — the length of an intercepted instruction, for processors that do not save the next RIP.
#pragma once

#include "base/span.h"
#include "rstate/result.h"

namespace svm {

// The length of the instruction at the start of `bytes`, prefixes included. It must be the one that
// `exit_code` names: another one, or one that must not have its LOCK prefix, is vm::unexpected_instruction.
rstate::Result<u32> instruction_length(u64 exit_code, Bytes bytes);

} // namespace svm
