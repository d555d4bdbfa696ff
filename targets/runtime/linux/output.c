// targets/runtime/linux/output.c — what the target prints: kept in a buffer during a case, so that it costs
// no exit.
//
// The hypervisor takes the buffer at a crash. Before the snapshot it gets the text at once, and also in a
// case where the user wants to see the output (RL_FLAG_OUTPUT).
#include "targets/runtime/linux/linux.h"

COLD struct rl_output rl_output;

// The last bytes stay: they are nearest to the crash.
i64 rl_print(u64 from, u64 size) {
    u8 chunk[256];
    for (u64 done = 0; done < size;) {
        const u64 now = MIN(size - done, sizeof(chunk));
        if (!copy_in(chunk, from + done, now)) return done ? (i64)done : -EFAULT;
        if (rl_hot.print_at_once != print_into_buffer) rl_hypercall(RL_CALL_PRINT, (u64)chunk, now);
        if (rl_hot.print_at_once != print_at_start)
            for (u64 i = 0; i < now; i++)
                rl_output.text[rl_output.printed++ % sizeof(rl_output.text)] = chunk[i];
        done += now;
    }
    return (i64)size;
}
