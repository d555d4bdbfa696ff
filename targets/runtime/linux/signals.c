// targets/runtime/linux/signals.c — signals that the target sends to itself, or that its alarm sends:
// handlers run.
//
// A signal without a handler that would end the process is a finding. A processor exception is always a
// finding: it never becomes a signal.
#include "targets/runtime/linux/linux.h"

enum { SIGKILL = 9, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGURG = 23, SIGWINCH = 28, last_signal = 64 };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000, SA_NODEFER = 0x40000000, SA_RESETHAND = (int)0x80000000 };
enum { SS_ONSTACK = 1, SS_DISABLE = 2, smallest_stack = 2048 };
#define HANDLER_DEFAULT 0ull
#define HANDLER_IGNORE 1ull
#define UNBLOCKABLE (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))

struct action {
    u64 handler, flags, restorer, mask;
};
COLD static struct action actions[last_signal + 1];

static u64 bit(u32 signal) { return 1ull << (signal - 1); }

static bool default_ignores(u32 signal) {
    return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
}
static bool is_ignored(u32 signal) {
    return actions[signal].handler == HANDLER_IGNORE ||
           (actions[signal].handler == HANDLER_DEFAULT && default_ignores(signal));
}

static bool signal_waits(const struct thread *thread) {
    return thread->signal_pending & ~thread->signal_mask;
}

static void interrupt(struct thread *thread) {
    if (thread->state == thread_waiting && signal_waits(thread)) rl_wake(thread, -EINTR);
}

// Without a thread it goes to the process: to the first thread that does not block it, the current one before
// others.
void rl_raise(struct thread *thread, u32 signal) {
    if (is_ignored(signal)) return;
    if (!thread) {
        thread = rl_current;
        for (u64 i = 0;
             i < max_threads && (thread->state == thread_free || (thread->signal_mask & bit(signal))); i++)
            thread = &rl_threads[i];
        if (thread->state == thread_free) thread = rl_current;
    }
    thread->signal_pending |= bit(signal);
    interrupt(thread);
}

i64 rl_sys_rt_sigaction(const u64 *a) {
    struct action wanted;
    if (a[0] < 1 || a[0] > last_signal || a[3] != sizeof(u64)) return -EINVAL;
    if (a[1] && (a[0] == SIGKILL || a[0] == SIGSTOP)) return -EINVAL;
    if (a[1] && !copy_in(&wanted, a[1], sizeof(wanted))) return -EFAULT;
    if (a[2] && !copy_out(a[2], &actions[a[0]], sizeof(wanted))) return -EFAULT;
    if (a[1]) actions[a[0]] = wanted;
    return 0;
}

i64 rl_sys_rt_sigprocmask(const u64 *a) {
    enum { block, unblock, set };
    const u64 old = rl_current->signal_mask;
    u64 wanted;
    if (a[3] != sizeof(u64)) return -EINVAL;
    if (a[1]) {
        if (!copy_in(&wanted, a[1], sizeof(wanted))) return -EFAULT;
        if (a[0] > set) return -EINVAL;
        const u64 next = a[0] == block ? old | wanted : a[0] == unblock ? old & ~wanted : wanted;
        rl_current->signal_mask = next & ~UNBLOCKABLE;
    }
    return a[2] ? GIVE(a[2], old) : 0;
}

i64 rl_sys_rt_sigpending(const u64 *a) { return GIVE(a[0], rl_current->signal_pending); }

static i64 send(struct thread *thread, u64 signal) {
    if (signal > last_signal) return -EINVAL;
    if (signal) rl_raise(thread, (u32)signal);
    return 0;
}
static i64 send_to_id(u64 id, u64 signal) {
    for (u64 i = 0; i < max_threads; i++)
        if (rl_threads[i].state != thread_free && rl_threads[i].id == (u32)id)
            return send(&rl_threads[i], signal);
    return -ESRCH;
}
i64 rl_sys_kill(const u64 *a) {
    const i32 id = (i32)a[0];
    return id == process_id || id == 0 || id == -1 || id == -process_id ? send(NULL, a[1]) : -ESRCH;
}
i64 rl_sys_tkill(const u64 *a) { return (i32)a[0] <= 0 ? -EINVAL : send_to_id(a[0], a[1]); }
i64 rl_sys_tgkill(const u64 *a) {
    if ((i32)a[0] <= 0 || (i32)a[1] <= 0) return -EINVAL;
    return a[0] == process_id ? send_to_id(a[1], a[2]) : -ESRCH;
}

i64 rl_sys_pause(const u64 *a __attribute__((unused))) { return rl_wait(wait_nothing, NEVER, -EINTR); }

i64 rl_sys_rt_sigsuspend(const u64 *a) {
    u64 mask;
    if (a[1] != sizeof(u64)) return -EINVAL;
    if (!copy_in(&mask, a[0], sizeof(mask))) return -EFAULT;
    rl_current->saved_mask = rl_current->signal_mask;
    rl_current->mask_saved = 1;
    rl_current->signal_mask = mask & ~UNBLOCKABLE;
    return signal_waits(rl_current) ? -EINTR : rl_wait(wait_nothing, NEVER, -EINTR);
}

// A signal that already waits is taken; nothing else can send one while the thread waits, but for the alarm.
i64 rl_sys_rt_sigtimedwait(const u64 *a) {
    u64 set;
    if (!copy_in(&set, a[0], sizeof(set))) return -EFAULT;
    const u64 ready = rl_current->signal_pending & set;
    if (!ready) return -EAGAIN;
    const u32 signal = (u32)__builtin_ctzll(ready) + 1;
    rl_current->signal_pending &= ~bit(signal);
    return signal;
}

struct stack {
    u64 address;
    u32 flags, padding;
    u64 size;
};
static bool on_alternate_stack(const struct thread *thread) {
    return thread->registers.rsp - thread->alternate_stack < thread->alternate_stack_size;
}

i64 rl_sys_sigaltstack(const u64 *a) {
    struct thread *const self = rl_current;
    const struct stack old = {self->alternate_stack,
                              self->alternate_stack_size == 0 ? SS_DISABLE
                              : on_alternate_stack(self)      ? SS_ONSTACK
                                                              : 0,
                              0, self->alternate_stack_size};
    struct stack wanted;
    if (a[0]) {
        if (!copy_in(&wanted, a[0], sizeof(wanted))) return -EFAULT;
        if (on_alternate_stack(self)) return -EPERM;
        if (wanted.flags & ~(u32)SS_DISABLE & 0x7fffffff) return -EINVAL;
        const bool off = wanted.flags & SS_DISABLE;
        if (!off && wanted.size < smallest_stack) return -ENOMEM;
        self->alternate_stack = off ? 0 : wanted.address;
        self->alternate_stack_size = off ? 0 : wanted.size;
    }
    return a[1] ? GIVE(a[1], old) : 0;
}

// What a handler finds on its stack: Linux's struct rt_sigframe (arch/x86/include/uapi/asm/sigcontext.h,
// ucontext.h).
struct context {
    u64 flags, link;
    struct stack stack;
    u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u16 cs, gs, fs, ss;
    u64 error, trap, old_mask, cr2, vectors, reserved[8];
    u64 mask;
};
struct signal_frame {
    u64 restorer;
    struct context context;
    struct {
        u32 signal, error, code, padding, sender, user;
        u64 rest[13];
    } info;
};
_Static_assert(sizeof(((struct signal_frame *)0)->info) == 128, "siginfo_t");

static void fill_context(struct context *context, const struct thread *thread, u64 vectors) {
    const struct registers *const r = &thread->registers;
    *context = (struct context){.r8 = r->r8,
                                .r9 = r->r9,
                                .r10 = r->r10,
                                .r11 = r->r11,
                                .r12 = r->r12,
                                .r13 = r->r13,
                                .r14 = r->r14,
                                .r15 = r->r15,
                                .rdi = r->rdi,
                                .rsi = r->rsi,
                                .rbp = r->rbp,
                                .rbx = r->rbx,
                                .rdx = r->rdx,
                                .rax = r->rax,
                                .rcx = r->rcx,
                                .rsp = r->rsp,
                                .rip = r->rip,
                                .rflags = r->flags,
                                .cs = 0x33,
                                .ss = 0x2b,
                                .vectors = vectors};
    context->mask = thread->mask_saved ? thread->saved_mask : thread->signal_mask;
    context->stack = (struct stack){thread->alternate_stack, thread->alternate_stack_size ? 0 : SS_DISABLE, 0,
                                    thread->alternate_stack_size};
}

static bool run_handler(struct thread *thread, u32 signal) {
    COLD static struct signal_frame frame;
    const struct action action = actions[signal];
    struct registers *const r = &thread->registers;
    u64 top = r->rsp - 128; // below the red zone
    if ((action.flags & SA_ONSTACK) && thread->alternate_stack_size && !on_alternate_stack(thread))
        top = thread->alternate_stack + thread->alternate_stack_size;
    const u64 vectors = (top - sizeof(thread->vectors)) & ~63ull;
    const u64 place = ((vectors - sizeof(frame)) & ~15ull) - 8; // as after a call
    clear(&frame, sizeof(frame));
    frame.restorer = action.restorer;
    fill_context(&frame.context, thread, vectors);
    frame.info.signal = signal;
    frame.info.code = (u32)-6; // SI_TKILL
    frame.info.sender = process_id;
    rl_save_vectors(thread->vectors);
    if (!copy_out(vectors, thread->vectors, sizeof(thread->vectors)) ||
        !copy_out(place, &frame, sizeof(frame)))
        return false;
    thread->mask_saved = 0;
    thread->signal_mask |= action.mask & ~UNBLOCKABLE;
    if (!(action.flags & SA_NODEFER)) thread->signal_mask |= bit(signal);
    if (action.flags & (u32)SA_RESETHAND) actions[signal].handler = HANDLER_DEFAULT;
    r->rdi = signal;
    r->rsi = place + offsetof(struct signal_frame, info);
    r->rdx = place + offsetof(struct signal_frame, context);
    r->rax = 0;
    r->rsp = place;
    r->rip = action.handler;
    r->flags &= ~0x400ull; // the direction flag
    return true;
}

void rl_deliver_signals(void) {
    struct thread *const thread = rl_current;
    for (u64 ready; (ready = thread->signal_pending & ~thread->signal_mask);) {
        const u32 signal = (u32)__builtin_ctzll(ready) + 1;
        thread->signal_pending &= ~bit(signal);
        if (is_ignored(signal)) continue;
        if (actions[signal].handler == HANDLER_DEFAULT || !run_handler(thread, signal))
            for (;;) rl_hypercall(RL_CALL_SIGNAL, signal, 0);
        // The innermost handler runs first, as when Linux delivers several.
    }
    if (thread->mask_saved) thread->mask_saved = 0, thread->signal_mask = thread->saved_mask;
}

// The handler has returned through the restorer, so RSP is one word above the frame.
i64 rl_sys_rt_sigreturn(const u64 *a __attribute__((unused))) {
    enum { user_flags = 0x240dd5 }; // CF PF AF ZF SF TF DF OF AC ID
    struct thread *const self = rl_current;
    COLD static struct context c;
    COLD static u8 vectors[512] __attribute__((aligned(16)));
    if (!copy_in(&c, self->registers.rsp, sizeof(c)) ||
        (c.vectors && !copy_in(vectors, c.vectors, sizeof(vectors))))
        for (;;) rl_hypercall(RL_CALL_SIGNAL, 11, 0); // as Linux: SIGSEGV
    self->registers = (struct registers){c.rax, c.rbx, c.rcx, c.rdx, c.rsi, c.rdi,
                                         c.rbp, c.rsp, c.r8,  c.r9,  c.r10, c.r11,
                                         c.r12, c.r13, c.r14, c.r15, c.rip, (c.rflags & user_flags) | 2};
    self->signal_mask = c.mask & ~UNBLOCKABLE;
    if (c.vectors) {
        *(u32 *)(void *)(vectors + 24) &= 0xffff; // MXCSR: another bit would raise an exception here
        rl_load_vectors(vectors);
    }
    return RL_BLOCKED;
}
