// targets/runtime/linux/identity.c — who and where the process is: numbers, names, limits, scheduling, random
// bytes.
#include "targets/runtime/linux/linux.h"

#define ANSWER(name, value)                                                                                  \
    i64 rl_sys_##name(const u64 *a __attribute__((unused))) { return value; }

ANSWER(getpid, process_id)
ANSWER(getppid, 1)
ANSWER(getpgrp, process_id)
ANSWER(getpgid, process_id)
ANSWER(getsid, process_id)
ANSWER(setpgid, 0)
ANSWER(setsid, -EPERM)
ANSWER(wait4, -ECHILD)
ANSWER(getuid, user_id)
ANSWER(geteuid, user_id)
ANSWER(getgid, user_id)
ANSWER(getegid, user_id)
ANSWER(getgroups, 0)
ANSWER(rseq, -ENOSYS) // the C library continues without it
ANSWER(getpriority, 20)
ANSWER(setpriority, 0)
ANSWER(sched_setparam, 0)
ANSWER(sched_setscheduler, 0)
ANSWER(sched_getscheduler, 0)

i64 rl_sys_setuid(const u64 *a) { return a[0] == user_id ? 0 : -EPERM; }
i64 rl_sys_setgid(const u64 *a) { return a[0] == user_id ? 0 : -EPERM; }

static i64 give_three(const u64 *a) {
    const u32 id = user_id;
    for (u32 i = 0; i < 3; i++)
        if (!copy_out(a[i], &id, sizeof(id))) return -EFAULT;
    return 0;
}
i64 rl_sys_getresuid(const u64 *a) { return give_three(a); }
i64 rl_sys_getresgid(const u64 *a) { return give_three(a); }

i64 rl_sys_uname(const u64 *a) {
    static const struct {
        char system[65], node[65], release[65], version[65], machine[65], domain[65];
    } names = {"Linux", "raclette", "6.1.0", "#1", "x86_64", "(none)"};
    return GIVE(a[0], names);
}

i64 rl_sys_sysinfo(const u64 *a) {
    struct {
        u64 uptime, loads[3], total, free, shared, buffers, total_swap, free_swap;
        u16 processes, padding;
        u32 padding2;
        u64 total_high, free_high;
        u32 unit, padding3;
    } info = {.uptime = rl_clock_ns / 1000000000,
              .total = 4ull << 30,
              .free = 3ull << 30,
              .processes = 1,
              .unit = 1};
    info.processes = (u16)rl_thread_count();
    return GIVE(a[0], info);
}

// Unlimited but for the stack and descriptors. Limits may be set, to no effect.
struct limit {
    u64 current, most;
};
static struct limit limit_of(u64 resource) {
    enum { stack = 3, core = 4, descriptors = 7 };
    if (resource == stack) return (struct limit){RL_STACK_SIZE, RL_STACK_SIZE};
    if (resource == core) return (struct limit){0, 0};
    if (resource == descriptors) return (struct limit){max_descriptors, max_descriptors};
    return (struct limit){UINT64_MAX, UINT64_MAX};
}
enum { resources = 16 };
i64 rl_sys_getrlimit(const u64 *a) {
    return a[0] < resources ? GIVE(a[1], ((struct limit[]){limit_of(a[0])})) : -EINVAL;
}
i64 rl_sys_setrlimit(const u64 *a) {
    struct limit wanted;
    if (a[0] >= resources) return -EINVAL;
    if (!copy_in(&wanted, a[1], sizeof(wanted))) return -EFAULT;
    return wanted.current <= wanted.most ? 0 : -EINVAL;
}
i64 rl_sys_prlimit64(const u64 *a) {
    if (a[0] != 0 && a[0] != process_id) return -ESRCH;
    const i64 set = a[2] ? rl_sys_setrlimit((const u64[]){a[1], a[2]}) : 0;
    if (set < 0) return set;
    if (a[1] >= resources) return -EINVAL;
    return a[3] ? rl_sys_getrlimit((const u64[]){a[1], a[3]}) : 0;
}

i64 rl_sys_sched_getparam(const u64 *a) {
    const u32 priority = 0;
    return GIVE(a[1], priority);
}
static bool is_realtime(u64 policy) { return policy == 1 || policy == 2; }
i64 rl_sys_sched_get_priority_max(const u64 *a) { return a[0] > 6 ? -EINVAL : is_realtime(a[0]) ? 99 : 0; }
i64 rl_sys_sched_get_priority_min(const u64 *a) { return a[0] > 6 ? -EINVAL : is_realtime(a[0]) ? 1 : 0; }
i64 rl_sys_sched_rr_get_interval(const u64 *a) {
    const u64 time[2] = {0, 4000000};
    return GIVE(a[1], time);
}

// One processor: a library that starts a thread for each processor starts one.
static const u64 processors = 1;
i64 rl_sys_sched_getaffinity(const u64 *a) {
    if (a[1] < sizeof(processors) || a[1] % 8) return -EINVAL;
    return copy_out(a[2], &processors, sizeof(processors)) ? (i64)sizeof(processors) : -EFAULT;
}
i64 rl_sys_sched_setaffinity(const u64 *a) {
    u64 wanted = 0;
    if (!copy_in(&wanted, a[2], MIN(a[1], sizeof(wanted)))) return -EFAULT;
    return wanted & processors ? 0 : -EINVAL;
}
i64 rl_sys_getcpu(const u64 *a) {
    const u32 first = 0;
    if (a[0] && !copy_out(a[0], &first, sizeof(first))) return -EFAULT;
    return a[1] ? GIVE(a[1], first) : 0;
}

i64 rl_sys_prctl(const u64 *a) {
    enum {
        set_death_signal = 1,
        get_dumpable = 3,
        set_dumpable,
        set_name = 15,
        get_name,
        set_seccomp = 22,
        get_no_new_privileges = 39,
        set_no_new_privileges = 38,
        set_vma = 0x53564d41,
        longest = 16
    };
    static char name[longest] = "target";
    switch (a[0]) {
    case set_name:
        return copy_in(name, a[1], longest - 1) ? 0 : -EFAULT;
    case get_name:
        return copy_out(a[1], name, longest) ? 0 : -EFAULT;
    case get_dumpable:
    case get_no_new_privileges:
        return 1;
    case set_death_signal:
    case set_dumpable:
    case set_no_new_privileges:
    case set_vma:
        return 0;
    default:
        return rl_refuse(157, a, -EINVAL);
    }
}

i64 rl_sys_arch_prctl(const u64 *a) {
    enum { set_gs = 0x1001, set_fs, get_fs, get_gs };
    if (a[0] == get_fs) return GIVE(a[1], rl_current->fs_base);
    if (a[0] != set_fs) return a[0] == set_gs || a[0] == get_gs ? rl_refuse(158, a, -EPERM) : -EINVAL;
    u8 byte;
    if (!copy_in(&byte, a[1], 1)) return -EPERM; // as for an address of the kernel
    if (a[1] >> 47) return -EPERM;
    rl_set_fs_base(a[1]);
    return 0;
}

// The same bytes in each run: the state belongs to the snapshot (xorshift64*, Vigna 2016).
static u64 random_state = 0x5261636c65747465;
static u64 next_random(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
}

i64 rl_give_random(u64 to, u64 size) {
    for (u64 given = 0; given < size; given += sizeof(u64)) {
        const u64 word = next_random();
        if (!copy_out(to + given, &word, MIN(sizeof(word), size - given))) return -EFAULT;
    }
    return (i64)size;
}
i64 rl_sys_getrandom(const u64 *a) { return rl_give_random(a[0], MIN(a[1], 33554431)); }
