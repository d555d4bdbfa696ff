// targets/runtime/linux/threads.c — threads of one process, one running at a time: clone, exit, futex.
//
// The order of threads is deterministic: a thread runs until it waits, ends, yields or has used its slice
// (slices.c), then the next one that is ready runs, in the order of the table. When none is ready, virtual
// time moves to the next timeout.
#include "targets/runtime/linux/linux.h"

COLD struct thread rl_threads[max_threads];
struct thread *rl_current = &rl_threads[0];
static u32 last_id = process_id;
static u32 thread_count = 1;
static u32 used_threads = 1; // of the table: the rest was never used

u32 rl_thread_count(void) { return thread_count; }

// The C library sets its first thread's base before the snapshot, so the answer is known in every case.
static bool can_set_base;

void rl_set_fs_base(u64 base) {
    rl_current->fs_base = base;
    if (can_set_base)
        __asm__ volatile("wrfsbase %0" ::"r"(base));
    else
        can_set_base = rl_hypercall(RL_CALL_SET_FS, base, 0);
}

static void switch_to(struct thread *next) {
    struct thread *const before = rl_current;
    if (before == next) return rl_begin_slice();
    if (before->state != thread_free) rl_save_vectors(before->vectors);
    rl_load_vectors(next->vectors);
    rl_current = next;
    if (before->fs_base != next->fs_base) rl_set_fs_base(next->fs_base);
    rl_begin_slice();
}

static struct thread *next_ready(void) {
    const u64 current = (u64)(rl_current - rl_threads);
    for (u64 i = 1; i <= used_threads; i++) {
        struct thread *const thread = &rl_threads[(current + i) % used_threads];
        if (thread->state == thread_ready) return thread;
    }
    return NULL;
}

static struct thread *next_timeout(void) {
    struct thread *first = NULL;
    for (u64 i = 0; i < used_threads; i++) {
        struct thread *const thread = &rl_threads[i];
        if (thread->state == thread_waiting && thread->wait_until != NEVER &&
            (!first || thread->wait_until < first->wait_until))
            first = thread;
    }
    return first;
}

void rl_wake(struct thread *thread, i64 result) {
    thread->state = thread_ready;
    thread->wait_reason = wait_nothing;
    thread->registers.rax = (u64)result;
}

COLD static struct rl_deadlock deadlock;

static void add_waiting(const struct thread *thread) {
    if (thread->state != thread_waiting || deadlock.count == RL_DEADLOCK_THREADS) return;
    const struct registers *const r = &thread->registers;
    deadlock.threads[deadlock.count++] =
        (struct rl_waiting){thread->id ? thread->id : process_id, r->rip, r->rsp, r->rbp};
}

static void report_deadlock(void) {
    deadlock.count = 0;
    add_waiting(rl_current);
    for (u32 i = 0; i < used_threads; i++)
        if (&rl_threads[i] != rl_current) add_waiting(&rl_threads[i]);
    for (;;) rl_hypercall(RL_CALL_DEADLOCK, (u64)&deadlock, 0);
}

void rl_schedule(void) {
    for (;;) {
        struct thread *const ready = next_ready();
        if (ready) return switch_to(ready);
        struct thread *const sleeper = next_timeout();
        if (rl_alarm_at != NEVER && (!sleeper || rl_alarm_at < sleeper->wait_until)) {
            rl_advance_clock(rl_alarm_at); // raises SIGALRM, which may wake a thread
            continue;
        }
        if (!sleeper) report_deadlock(); // does not return
        rl_advance_clock(sleeper->wait_until);
        if (sleeper->state == thread_waiting) rl_wake(sleeper, sleeper->timeout_result);
    }
}

// For a thread that could go on: the next one that is ready runs, of those too whose time-out has passed.
void rl_give_way(void) {
    for (struct thread *sleeper; (sleeper = next_timeout()) && sleeper->wait_until <= rl_clock_ns;)
        rl_wake(sleeper, sleeper->timeout_result);
    switch_to(next_ready());
}

i64 rl_wait(enum wait_reason reason, u64 until, i64 timeout_result) {
    rl_current->state = thread_waiting;
    rl_current->wait_reason = reason;
    rl_current->wait_until = until;
    rl_current->timeout_result = timeout_result;
    return RL_BLOCKED;
}

i64 rl_wait_for_files(u64 until, i64 timeout_result) { return rl_wait(wait_files, until, timeout_result); }

// Each one makes its system call again: SYSCALL is two bytes long, and RAX still holds the number.
void rl_wake_file_waiters(void) {
    for (u64 i = 0; i < used_threads; i++) {
        struct thread *const thread = &rl_threads[i];
        if (thread->state != thread_waiting || thread->wait_reason != wait_files) continue;
        rl_wake(thread, (i64)thread->registers.rax);
        thread->registers.rip -= 2;
    }
}

static struct thread *free_thread(void) {
    for (u32 i = 0; i < max_threads; i++) {
        if (rl_threads[i].state != thread_free || &rl_threads[i] == rl_current) continue;
        if (i >= used_threads) used_threads = i + 1;
        return &rl_threads[i];
    }
    return NULL;
}

// The new thread is a copy of the current one but for its stack and its thread-local storage.
static struct thread *create(u64 stack, u64 tls, bool has_tls) {
    struct thread *const made = free_thread();
    if (!made) return NULL;
    clear(made, sizeof(*made));
    made->registers = rl_current->registers;
    made->registers.rax = 0;
    if (stack) made->registers.rsp = stack;
    made->fs_base = has_tls ? tls : rl_current->fs_base;
    made->signal_mask = rl_current->signal_mask;
    made->id = ++last_id;
    made->state = thread_ready;
    rl_save_vectors(made->vectors);
    thread_count++;
    rl_begin_slice();
    return made;
}

enum {
    CLONE_VM = 0x100,
    CLONE_SIGHAND = 0x800,
    CLONE_THREAD = 0x10000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
    CLONE_CHILD_SETTID = 0x1000000,
};

static i64 clone_thread(u64 number, const u64 *a, u64 flags, u64 stack, u64 parent_tid, u64 child_tid,
                        u64 tls) {
    const u64 needed = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    if ((flags & needed) != needed) return rl_refuse(number, a, -EAGAIN); // a new process
    if ((flags & CLONE_SETTLS) && tls >> 47) return -EPERM;               // not canonical
    struct thread *const made = create(stack, tls, flags & CLONE_SETTLS);
    if (!made) return -EAGAIN;
    if (flags & CLONE_CHILD_CLEARTID) made->clear_tid = child_tid;
    if ((flags & CLONE_PARENT_SETTID) && !copy_out(parent_tid, &made->id, sizeof(made->id))) return -EFAULT;
    if ((flags & CLONE_CHILD_SETTID) && !copy_out(child_tid, &made->id, sizeof(made->id))) return -EFAULT;
    return made->id;
}

i64 rl_sys_clone(const u64 *a) { return clone_thread(56, a, a[0], a[1], a[2], a[3], a[4]); }

i64 rl_sys_clone3(const u64 *a) {
    struct {
        u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments;
    if (a[1] < sizeof(arguments)) return -EINVAL;
    if (!copy_in(&arguments, a[0], sizeof(arguments))) return -EFAULT;
    return clone_thread(435, a, arguments.flags, arguments.stack ? arguments.stack + arguments.stack_size : 0,
                        arguments.parent_tid, arguments.child_tid, arguments.tls);
}

i64 rl_sys_exit_group(const u64 *a) {
    for (;;) rl_hypercall(RL_CALL_EXIT, a[0], 0);
}

i64 rl_sys_exit(const u64 *a) {
    struct thread *const self = rl_current;
    if (thread_count == 1) return rl_sys_exit_group(a);
    self->state = thread_free;
    thread_count--;
    const u32 zero = 0;
    if (self->clear_tid && copy_out(self->clear_tid, &zero, sizeof(zero)))
        rl_wake_futex(self->clear_tid, 1, ~0u);
    return RL_BLOCKED;
}

i64 rl_sys_gettid(const u64 *a __attribute__((unused))) {
    return rl_current->id ? rl_current->id : process_id;
}
i64 rl_sys_set_tid_address(const u64 *a) {
    rl_current->clear_tid = a[0];
    return rl_sys_gettid(a);
}
i64 rl_sys_set_robust_list(const u64 *a) { return a[1] == 24 ? 0 : -EINVAL; }
i64 rl_sys_get_robust_list(const u64 *a) {
    const u64 head = 0, size = 24;
    return copy_out(a[1], &head, 8) && copy_out(a[2], &size, 8) ? 0 : -EFAULT;
}
i64 rl_sys_membarrier(const u64 *a __attribute__((unused))) { return 0; }

// The result is stored before the switch: the thread continues with it when its turn comes.
i64 rl_sys_sched_yield(const u64 *a __attribute__((unused))) {
    rl_current->registers.rax = 0;
    rl_advance_clock(rl_clock_ns + 1000);
    rl_give_way();
    return RL_BLOCKED;
}

u32 rl_wake_futex(u64 address, u32 count, u32 bits) {
    u32 woken = 0;
    for (u64 i = 0; i < used_threads && woken < count; i++) {
        struct thread *const thread = &rl_threads[i];
        if (thread->state != thread_waiting || thread->wait_reason != wait_futex ||
            thread->wait_address != address || !(thread->wait_bits & bits))
            continue;
        rl_wake(thread, 0);
        woken++;
    }
    return woken;
}

static u32 requeue(u64 from, u64 to, u32 count) {
    u32 moved = 0;
    for (u64 i = 0; i < used_threads && moved < count; i++) {
        struct thread *const thread = &rl_threads[i];
        if (thread->state != thread_waiting || thread->wait_reason != wait_futex ||
            thread->wait_address != from)
            continue;
        thread->wait_address = to;
        moved++;
    }
    return moved;
}

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET,
    FUTEX_CLOCK_REALTIME = 256,
};

static i64 futex_wait(const u64 *a, u32 bits, bool absolute) {
    u32 word;
    u64 until = NEVER;
    i64 error = 0;
    if (!bits) return -EINVAL;
    if (!copy_in(&word, a[0], sizeof(word))) return -EFAULT;
    if (a[3]) {
        if (!rl_get_timespec(a[3], &until, &error)) return error;
        if (!absolute)
            until = until < NEVER - rl_clock_ns ? until + rl_clock_ns : NEVER;
        else if (a[1] & FUTEX_CLOCK_REALTIME)
            until = until > FIRST_SECOND * 1000000000 ? until - FIRST_SECOND * 1000000000 : 0;
    }
    if (word != (u32)a[2]) return -EAGAIN;
    rl_current->wait_address = a[0];
    rl_current->wait_bits = bits;
    return rl_wait(wait_futex, until, -ETIMEDOUT);
}

// FUTEX_WAKE_OP: changes a second word, and wakes its waiters too where its old value compares so.
static i64 wake_op(const u64 *a) {
    u32 old, argument = (a[5] >> 12) & 0xfff;
    const u32 compare = a[5] & 0xfff, operation = (a[5] >> 28) & 7;
    const i32 signed_old_compare = (i32)(compare << 20) >> 20;
    if (!copy_in(&old, a[4], sizeof(old))) return -EFAULT;
    if ((a[5] >> 31) & 1) argument = 1u << (argument & 31);
    const u32 values[] = {argument, old + argument, old | argument, old & ~argument, old ^ argument};
    if (operation > 4) return -ENOSYS;
    if (!copy_out(a[4], &values[operation], sizeof(old))) return -EFAULT;
    const i32 was = (i32)old;
    const bool holds[] = {was == signed_old_compare, was != signed_old_compare,
                          was<signed_old_compare, was <= signed_old_compare, was> signed_old_compare,
                          was >= signed_old_compare};
    const u32 comparison = (a[5] >> 24) & 15;
    if (comparison > 5) return -ENOSYS;
    u32 woken = rl_wake_futex(a[0], (u32)a[2], ~0u);
    if (holds[comparison]) woken += rl_wake_futex(a[4], (u32)a[3], ~0u);
    return woken;
}

i64 rl_sys_futex(const u64 *a) {
    u32 word;
    if (a[0] & 3) return -EINVAL;
    switch (a[1] & 127) {
    case FUTEX_WAIT:
        return futex_wait(a, ~0u, false);
    case FUTEX_WAIT_BITSET:
        return futex_wait(a, (u32)a[5], true);
    case FUTEX_WAKE:
        return rl_wake_futex(a[0], (u32)a[2], ~0u);
    case FUTEX_WAKE_BITSET:
        return a[5] ? rl_wake_futex(a[0], (u32)a[2], (u32)a[5]) : -EINVAL;
    case FUTEX_CMP_REQUEUE:
        if (!copy_in(&word, a[0], sizeof(word))) return -EFAULT;
        if (word != (u32)a[5]) return -EAGAIN;
        __attribute__((fallthrough));
    case FUTEX_REQUEUE: {
        const u32 woken = rl_wake_futex(a[0], (u32)a[2], ~0u);
        return woken + requeue(a[0], a[4], (u32)a[3]);
    }
    case FUTEX_WAKE_OP:
        return wake_op(a);
    default:
        return rl_refuse(202, a, -ENOSYS);
    }
}
