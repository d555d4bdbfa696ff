// guest/deadlock.h — a deadlock as a finding: where each thread of the target waits.
#pragma once

#include "guest/stack_walk.h"
#include "vm/outcome.h"

namespace guest {

// `address` is the argument of RL_CALL_DEADLOCK; nothing at it is trusted. Returns the place of the thread
// that was the last to wait, or `otherwise` where the target names none.
Place describe_deadlock(vm::Finding &finding, const Memory &memory, const Program &program, u64 address,
                        const Place &otherwise);

} // namespace guest
