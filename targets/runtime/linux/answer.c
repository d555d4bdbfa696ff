// targets/runtime/linux/answer.c — answers one system call: finds its function, runs it, delivers signals.
#include "targets/runtime/linux/linux.h"

typedef i64 (*call)(const u64 *a);
#define CALL(number, name) [number] = rl_sys_##name,
static const call calls[] = {
#include "targets/runtime/linux/calls.h"
};
#undef CALL

// Calls that no target gets an answer to, with the error that a Linux without the feature returns.
static i64 error_of_unanswered(u64 number) {
    switch (number) {
    case 41: // socket
    case 53: // socketpair
        return -EAFNOSUPPORT;
    case 57: // fork
    case 58: // vfork
        return -EAGAIN;
    case 59:  // execve
    case 322: // execveat
        return -EACCES;
    default:
        return number >= 188 && number <= 199 ? -EOPNOTSUPP : -ENOSYS; // extended attributes
    }
}

// The hypervisor reports each number once, and counts the others.
i64 rl_refuse(u64 number, const u64 *a, i64 error) {
    const struct registers *const r = &rl_current->registers;
    const struct rl_refused refused = {number, {a[0], a[1], a[2], a[3], a[4], a[5]}, r->rip, error, r->rsp,
                                       r->rbp};
    rl_hypercall(RL_CALL_REFUSED, (u64)&refused, 0);
    return error;
}

// Called by entry.asm with the caller's registers in rl_current. Returns to the thread that is then
// rl_current.
void rl_answer_syscall(void) {
    static bool started;
    if (UNLIKELY(!started)) started = true, rl_files_start();
    struct thread *const caller = rl_current;
    const struct registers *const r = &caller->registers;
    const u64 number = r->rax, a[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    if (number != 10) rl_settle_mappings(); // mprotect settles them by itself
    const call answer = number < sizeof(calls) / sizeof(calls[0]) ? calls[number] : NULL;
    const i64 result = answer ? answer(a) : rl_refuse(number, a, error_of_unanswered(number));
    if (result != RL_BLOCKED) caller->registers.rax = (u64)result;
    if (caller->state != thread_ready) rl_schedule();
    rl_deliver_signals();
}
