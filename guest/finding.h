// guest/finding.h — findings in the words of vm/outcome.h, made of the target's reports and of the
// processor's faults.
#pragma once

#include "guest/fault.h"
#include "guest/stack_walk.h"
#include "vm/outcome.h"

namespace guest {

// The report comes from the target, so nothing in it is trusted.
vm::Finding finding_of(const rl_report &report);
vm::Finding finding_of(const Fault &fault);
// Fills in what the target's runtime knows about the address; kind and access stay.
void describe(vm::Finding &finding, const rl_report &report);
// For who has a literal to say.
void set_text(vm::Finding &finding, Text text);
void set_frames(vm::Finding &finding, const Memory &memory, const Program &program, const Place &place);

// Groups equal crashes: XXH64 of the kind and the names of the innermost three functions.
u64 hash_of(const vm::Finding &finding, const Symbols &symbols);

} // namespace guest
