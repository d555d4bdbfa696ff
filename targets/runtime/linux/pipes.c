// targets/runtime/linux/pipes.c — pipes, event counters, and waiting for them: poll and select.
#include "targets/runtime/linux/linux.h"

enum { pipe_size = 65536, SIGPIPE = 13 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32, POLLRDNORM = 64, POLLWRNORM = 256 };

static i64 make_pair(u64 address, u32 flags) {
    const u32 number = rl_new_file(kind_pipe, 0600);
    if (!number) return -ENFILE;
    rl_files[number].data = rl_take_storage(pipe_size);
    rl_files[number].capacity = pipe_size;
    if (!rl_files[number].data) return rl_files[number].kind = kind_none, -ENFILE;
    const i64 reader = rl_give_descriptor(number, flags, 0);
    const i64 writer = reader < 0 ? reader : rl_give_descriptor(number, flags | O_WRONLY, 0);
    const u32 pair[2] = {(u32)reader, (u32)writer};
    if (writer >= 0 && copy_out(address, pair, sizeof(pair))) return 0;
    if (reader >= 0) rl_sys_close((const u64[]){(u64)reader});
    if (reader >= 0 && writer >= 0) rl_sys_close((const u64[]){(u64)writer});
    return writer < 0 ? writer : -EFAULT;
}
i64 rl_sys_pipe(const u64 *a) { return make_pair(a[0], 0); }
i64 rl_sys_pipe2(const u64 *a) {
    return a[1] & ~(u64)(O_CLOEXEC | O_NONBLOCK | 040000) ? -EINVAL : make_pair(a[0], (u32)a[1]);
}

i64 rl_read_pipe(struct open_file *open, u64 to, u64 size) {
    struct file *const pipe = &rl_files[open->file];
    if (!size) return 0;
    if (!pipe->size) {
        if (!pipe->writers) return 0;
        return open->flags & O_NONBLOCK ? -EAGAIN : rl_wait_for_files(NEVER, 0);
    }
    const u64 given = MIN(size, pipe->size), first = MIN(given, pipe_size - pipe->start);
    if (!copy_out(to, pipe->data + pipe->start, first) || !copy_out(to + first, pipe->data, given - first))
        return -EFAULT;
    pipe->start = (pipe->start + given) % pipe_size;
    pipe->size -= given;
    rl_wake_file_waiters();
    return (i64)given;
}

i64 rl_write_pipe(struct open_file *open, u64 from, u64 size) {
    struct file *const pipe = &rl_files[open->file];
    if (!size) return 0;
    if (!pipe->readers) return rl_raise(rl_current, SIGPIPE), -EPIPE;
    const u64 room = pipe_size - pipe->size, taken = MIN(size, room);
    if (!taken || (size <= PAGE && taken < size)) // a short write is atomic
        return open->flags & O_NONBLOCK ? -EAGAIN : rl_wait_for_files(NEVER, 0);
    const u64 at = (pipe->start + pipe->size) % pipe_size, first = MIN(taken, pipe_size - at);
    if (!copy_in(pipe->data + at, from, first) || !copy_in(pipe->data, from + first, taken - first))
        return -EFAULT;
    pipe->size += taken;
    rl_wake_file_waiters();
    return (i64)taken;
}

// An event counter: its value is file->size.
i64 rl_sys_eventfd2(const u64 *a) {
    if (a[1] & ~(u64)(O_CLOEXEC | O_NONBLOCK | 1)) return -EINVAL;
    const u32 file = rl_new_file(kind_event, 0600);
    if (!file) return -ENFILE;
    rl_files[file].size = (u32)a[0];
    rl_files[file].device = a[1] & 1; // EFD_SEMAPHORE
    return rl_give_descriptor(file, O_RDWR | ((u32)a[1] & (O_CLOEXEC | O_NONBLOCK)), 0);
}
i64 rl_sys_eventfd(const u64 *a) { return rl_sys_eventfd2((const u64[]){a[0], 0}); }

i64 rl_read_event(struct open_file *open, u64 to, u64 size) {
    struct file *const event = &rl_files[open->file];
    if (size < 8) return -EINVAL;
    if (!event->size) return open->flags & O_NONBLOCK ? -EAGAIN : rl_wait_for_files(NEVER, 0);
    const u64 value = event->device ? 1 : event->size;
    if (!copy_out(to, &value, sizeof(value))) return -EFAULT;
    event->size -= value;
    rl_wake_file_waiters();
    return 8;
}
i64 rl_write_event(struct open_file *open, u64 from, u64 size) {
    struct file *const event = &rl_files[open->file];
    u64 value;
    if (size < 8) return -EINVAL;
    if (!copy_in(&value, from, sizeof(value))) return -EFAULT;
    if (value == UINT64_MAX) return -EINVAL;
    if (event->size + value < value || event->size + value == UINT64_MAX)
        return open->flags & O_NONBLOCK ? -EAGAIN : rl_wait_for_files(NEVER, 0);
    event->size += value;
    rl_wake_file_waiters();
    return 8;
}

u32 rl_ready_events(const struct open_file *open) {
    const struct file *const file = &rl_files[open->file];
    const u32 both = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    if (file->kind == kind_event) return (file->size ? POLLIN | POLLRDNORM : 0) | POLLOUT | POLLWRNORM;
    if (file->kind != kind_pipe) return both;
    if ((open->flags & O_ACCESS) == O_WRONLY)
        return file->readers ? (file->size < pipe_size ? POLLOUT | POLLWRNORM : 0) : POLLERR;
    return (file->size ? POLLIN | POLLRDNORM : 0) | (file->writers ? 0 : POLLHUP);
}

// `until` is relative to now, or NEVER. A call that times out returns 0.
static i64 wait_or_return(u32 ready, u64 wait_ns) {
    if (ready || !wait_ns) return ready;
    return rl_wait_for_files(wait_ns == NEVER ? NEVER : rl_clock_ns + wait_ns, 0);
}

static i64 poll(u64 address, u64 count, u64 wait_ns) {
    u32 ready = 0;
    if (count > max_descriptors) return -EINVAL;
    for (u64 i = 0; i < count; i++) {
        struct {
            i32 descriptor;
            u16 wanted, found;
        } entry;
        const u64 at = address + i * sizeof(entry);
        if (!copy_in(&entry, at, sizeof(entry))) return -EFAULT;
        const struct open_file *const open =
            entry.descriptor < 0 ? NULL : rl_open_file_of((u32)entry.descriptor);
        entry.found = entry.descriptor < 0 ? 0
                      : !open              ? POLLNVAL
                              : (u16)(rl_ready_events(open) & (entry.wanted | POLLERR | POLLHUP));
        ready += entry.found != 0;
        if (!copy_out(at, &entry, sizeof(entry))) return -EFAULT;
    }
    return wait_or_return(ready, wait_ns);
}

i64 rl_sys_poll(const u64 *a) {
    return poll(a[0], (u32)a[1], (i32)a[2] < 0 ? NEVER : (u64)(i32)a[2] * 1000000);
}

static i64 poll_time(u64 address, u64 *wait_ns) {
    i64 error = 0;
    *wait_ns = NEVER;
    return address && !rl_get_timespec(address, wait_ns, &error) ? error : 0;
}
i64 rl_sys_ppoll(const u64 *a) {
    u64 wait_ns;
    const i64 error = poll_time(a[2], &wait_ns);
    return error ? error : poll(a[0], (u32)a[1], wait_ns);
}

static i64 select(const u64 *a, u64 wait_ns) {
    static const u32 wanted[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, 0};
    u64 sets[3][max_descriptors / 64] = {{0}}, found[3][max_descriptors / 64] = {{0}};
    const u64 count = MIN(a[0], max_descriptors), bytes = (count + 63) / 64 * 8;
    u32 ready = 0;
    if ((i32)a[0] < 0) return -EINVAL;
    for (u32 set = 0; set < 3; set++)
        if (a[1 + set] && !copy_in(sets[set], a[1 + set], bytes)) return -EFAULT;
    for (u64 i = 0; i < count; i++) {
        for (u32 set = 0; set < 3; set++) {
            if (!(sets[set][i / 64] >> (i % 64) & 1)) continue;
            const struct open_file *const open = rl_open_file_of(i);
            if (!open) return -EBADF;
            if (!(rl_ready_events(open) & wanted[set])) continue;
            found[set][i / 64] |= 1ull << (i % 64);
            ready++;
        }
    }
    if (!ready && wait_ns && rl_thread_count() > 1)
        return wait_or_return(0, wait_ns); // the sets stay for the next try
    for (u32 set = 0; set < 3; set++)
        if (a[1 + set] && !copy_out(a[1 + set], found[set], bytes)) return -EFAULT;
    return wait_or_return(ready, wait_ns);
}

i64 rl_sys_select(const u64 *a) {
    struct {
        u64 seconds, microseconds;
    } time;
    if (!a[4]) return select(a, NEVER);
    if (!copy_in(&time, a[4], sizeof(time))) return -EFAULT;
    if ((i64)time.seconds < 0 || (i64)time.microseconds < 0) return -EINVAL;
    return select(a, MIN(time.seconds, 1ull << 32) * 1000000000 + MIN(time.microseconds, 1ull << 32) * 1000);
}
i64 rl_sys_pselect6(const u64 *a) {
    u64 wait_ns;
    const i64 error = poll_time(a[4], &wait_ns);
    return error ? error : select(a, wait_ns);
}
