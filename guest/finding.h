// guest/finding.h — converts the target's reports and the processor's faults to vm::Finding.
#pragma once

#include "guest/fault.h"
#include "guest/stack_walk.h"
#include "vm/outcome.h"

namespace guest {

// The report comes from the target, so its values are not trusted.
vm::Finding finding_of(const rl_report &report);
vm::Finding finding_of(const Fault &fault);
// Adds what the target's runtime knows about the address; kind and access stay.
void describe(vm::Finding &finding, const rl_report &report);
void set_text(vm::Finding &finding, Text text);
// A leak is where its block was allocated: the case that leaked it has ended.
void take_frames_of_allocation(vm::Finding &finding);
void set_frames(vm::Finding &finding, const Memory &memory, const Program &program, const Place &place);

} // namespace guest
