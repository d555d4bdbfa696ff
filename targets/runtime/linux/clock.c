// targets/runtime/linux/clock.c — virtual time: it moves a little with each question, and as far as a thread
// sleeps.
#include "targets/runtime/linux/linux.h"

enum { step_ns = 1000, second_ns = 1000000000, SIGALRM_NUMBER = 14 };
enum { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME, CLOCK_THREAD_CPUTIME, last_clock = 11 };
enum { TIMER_ABSTIME = 1 };

struct timespec {
    u64 seconds, nanoseconds;
};
struct timeval {
    u64 seconds, microseconds;
};

u64 rl_clock_ns;
u64 rl_alarm_at = NEVER;
static u64 alarm_interval;

void rl_advance_clock(u64 to) {
    if (to > rl_clock_ns) rl_clock_ns = to;
    if (rl_clock_ns < rl_alarm_at) return;
    rl_alarm_at = alarm_interval ? rl_clock_ns + alarm_interval : NEVER;
    rl_raise(NULL, SIGALRM_NUMBER);
}

static u64 ask(void) {
    rl_advance_clock(rl_clock_ns + step_ns);
    return rl_clock_ns;
}

bool rl_get_timespec(u64 address, u64 *ns, i64 *error) {
    struct timespec time;
    *error = -EFAULT;
    if (!copy_in(&time, address, sizeof(time))) return false;
    *error = -EINVAL;
    if (time.nanoseconds >= second_ns || (i64)time.seconds < 0) return false;
    *ns = time.seconds > NEVER / second_ns / 2 ? NEVER / 2 : time.seconds * second_ns + time.nanoseconds;
    return true;
}

static bool is_wall_clock(u64 clock) {
    return clock == CLOCK_REALTIME || clock == 5 || clock == 8 || clock == 11;
}

i64 rl_sys_clock_gettime(const u64 *a) {
    if (a[0] > last_clock) return (i32)a[0] < 0 ? GIVE(a[1], ((struct timespec){0, ask()})) : -EINVAL;
    const u64 now = ask();
    const struct timespec time = {now / second_ns + (is_wall_clock(a[0]) ? FIRST_SECOND : 0),
                                  now % second_ns};
    return GIVE(a[1], time);
}
i64 rl_sys_clock_settime(const u64 *a __attribute__((unused))) { return -EPERM; }
i64 rl_sys_clock_getres(const u64 *a) {
    const struct timespec one = {0, 1};
    if (a[0] > last_clock) return -EINVAL;
    return a[1] ? GIVE(a[1], one) : 0;
}

i64 rl_sys_gettimeofday(const u64 *a) {
    const u64 now = ask(), zone = 0;
    const struct timeval time = {now / second_ns + FIRST_SECOND, now % second_ns / 1000};
    if (a[0] && !copy_out(a[0], &time, sizeof(time))) return -EFAULT;
    return a[1] ? GIVE(a[1], zone) : 0;
}

i64 rl_sys_time(const u64 *a) {
    const u64 now = ask() / second_ns + FIRST_SECOND;
    if (a[0] && !copy_out(a[0], &now, sizeof(now))) return -EFAULT;
    return (i64)now;
}

// No real time passes: when no thread is ready, rl_schedule moves the clock to the earliest `until`.
static i64 sleep_until(u64 until) { return until <= rl_clock_ns ? 0 : rl_wait(wait_nothing, until, 0); }

i64 rl_sys_nanosleep(const u64 *a) {
    u64 ns;
    i64 error;
    if (!rl_get_timespec(a[0], &ns, &error)) return error;
    return sleep_until(rl_clock_ns + ns);
}

i64 rl_sys_clock_nanosleep(const u64 *a) {
    u64 ns;
    i64 error;
    if (a[0] > last_clock) return -EINVAL;
    if (!rl_get_timespec(a[2], &ns, &error)) return error;
    if (!(a[1] & TIMER_ABSTIME)) return sleep_until(rl_clock_ns + ns);
    const u64 base = is_wall_clock(a[0]) ? FIRST_SECOND * second_ns : 0;
    return sleep_until(ns > base ? ns - base : 0);
}

static u64 alarm_left(void) { return rl_alarm_at == NEVER ? 0 : rl_alarm_at - rl_clock_ns; }

i64 rl_sys_alarm(const u64 *a) {
    const u64 left = (alarm_left() + second_ns - 1) / second_ns;
    rl_alarm_at = (u32)a[0] ? rl_clock_ns + (u32)a[0] * (u64)second_ns : NEVER;
    alarm_interval = 0;
    return (i64)left;
}

struct interval_timer {
    struct timeval interval, value;
};
static struct timeval timeval_of(u64 ns) { return (struct timeval){ns / second_ns, ns % second_ns / 1000}; }
static u64 ns_of(struct timeval time) {
    return time.seconds > NEVER / second_ns / 4 ? NEVER / 4
                                                : time.seconds * second_ns + time.microseconds * 1000;
}

// Only the real timer can fire; the others count processor time, of which none passes here.
i64 rl_sys_getitimer(const u64 *a) {
    struct interval_timer timer = {{0, 0}, {0, 0}};
    if (a[0] > 2) return -EINVAL;
    if (a[0] == 0) timer = (struct interval_timer){timeval_of(alarm_interval), timeval_of(alarm_left())};
    return GIVE(a[1], timer);
}

i64 rl_sys_setitimer(const u64 *a) {
    struct interval_timer timer = {{0, 0}, {0, 0}};
    if (a[0] > 2) return -EINVAL;
    if (a[1] && !copy_in(&timer, a[1], sizeof(timer))) return -EFAULT;
    if (timer.value.microseconds >= 1000000 || timer.interval.microseconds >= 1000000) return -EINVAL;
    if (a[2] && rl_sys_getitimer((const u64[]){a[0], a[2]}) != 0) return -EFAULT;
    if (a[0] != 0) return 0;
    const u64 ns = ns_of(timer.value);
    rl_alarm_at = ns ? rl_clock_ns + ns : NEVER;
    alarm_interval = ns_of(timer.interval);
    return 0;
}

i64 rl_sys_getrusage(const u64 *a) {
    struct {
        struct timeval user, system;
        u64 counts[14];
    } usage = {timeval_of(ask()), {0, 0}, {8192}};
    if ((i64)(i32)a[0] < -1 || (i32)a[0] > 1) return -EINVAL;
    return GIVE(a[1], usage);
}

i64 rl_sys_times(const u64 *a) {
    const u64 ticks = ask() / (second_ns / 100), times[4] = {ticks, 0, 0, 0};
    if (a[0] && !copy_out(a[0], times, sizeof(times))) return -EFAULT;
    return (i64)ticks;
}
