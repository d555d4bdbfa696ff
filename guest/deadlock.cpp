// guest/deadlock.cpp — see deadlock.h.
#include "guest/deadlock.h"

#include "guest/finding.h"

namespace guest {

static_assert(RL_DEADLOCK_THREADS == vm::max_threads);

Place describe_deadlock(vm::Finding &finding, const Memory &memory, const Program &program, u64 address,
                        const Place &otherwise) {
    finding.kind = rl_kind_name(rl_kind_deadlock);
    set_text(finding, "every thread waits for another one");
    rl_deadlock report = {};
    if (!program.layout().readable(address, sizeof(report)) || !memory.peek(GuestVirt(address), report))
        return otherwise;
    const u32 count = static_cast<u32>(min<u64>(report.count, vm::max_threads));
    for (u32 i = 0; i < count; ++i) {
        const rl_waiting &waiting = report.threads[i];
        vm::ThreadStack &stack = finding.threads[i];
        stack.id = waiting.id;
        stack.frame_count =
            walk_stack(memory, program, {waiting.pc, waiting.sp, waiting.bp, true}, stack.frames).frames;
    }
    finding.thread_count = count;
    if (count == 0) return otherwise;
    const rl_waiting &last = report.threads[0];
    return {last.pc, last.sp, last.bp, true};
}

} // namespace guest
