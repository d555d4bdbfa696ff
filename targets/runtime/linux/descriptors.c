// targets/runtime/linux/descriptors.c — file descriptors: open, close, dup, seek, and what can be asked about
// them.
#include "targets/runtime/linux/linux.h"

COLD static struct open_file open_files[max_descriptors]; // shared by duplicates of a descriptor
COLD static u16 descriptors[max_descriptors];             // index of the open file, plus one
COLD static u8 close_on_exec[max_descriptors];
static u32 creation_mask = 022;

struct open_file *rl_open_file_of(u64 descriptor) {
    const u32 number = (u32)descriptor;
    return number < max_descriptors && descriptors[number] ? &open_files[descriptors[number] - 1] : NULL;
}

struct open_file *rl_usable_file_of(u64 descriptor) {
    struct open_file *const open = rl_open_file_of(descriptor);
    return open && !(open->flags & O_PATH) ? open : NULL;
}

static i64 free_descriptor(u64 least) {
    for (u64 i = least; i < max_descriptors; i++)
        if (!descriptors[i]) return (i64)i;
    return -EMFILE;
}

i64 rl_give_descriptor(u32 file, u32 flags, u64 least) {
    const i64 descriptor = free_descriptor(least);
    u32 at = 0;
    while (at < max_descriptors && open_files[at].uses) at++;
    if (descriptor < 0 || at == max_descriptors) return -EMFILE;
    open_files[at] = (struct open_file){.file = file, .flags = flags & ~(u32)O_CLOEXEC, .uses = 1};
    rl_files[file].opens++;
    if (rl_files[file].kind == kind_pipe) {
        rl_files[file].readers += (flags & O_ACCESS) != O_WRONLY;
        rl_files[file].writers += (flags & O_ACCESS) != 0;
    }
    descriptors[descriptor] = (u16)(at + 1);
    close_on_exec[descriptor] = (flags & O_CLOEXEC) != 0;
    return descriptor;
}

static void release(struct open_file *open) {
    if (--open->uses) return;
    struct file *const file = &rl_files[open->file];
    file->opens--;
    if (file->kind == kind_pipe) {
        file->readers -= (open->flags & O_ACCESS) != O_WRONLY;
        file->writers -= (open->flags & O_ACCESS) != 0;
        rl_wake_file_waiters();
    }
    rl_release_file(open->file);
}

i64 rl_sys_close(const u64 *a) {
    struct open_file *const open = rl_open_file_of(a[0]);
    if (!open) return -EBADF;
    descriptors[(u32)a[0]] = 0;
    release(open);
    return 0;
}

i64 rl_sys_close_range(const u64 *a) {
    enum { only_mark = 4 };
    if ((u32)a[0] > (u32)a[1] || (a[2] & ~6ull)) return -EINVAL;
    for (u64 i = (u32)a[0]; i <= (u32)a[1] && i < max_descriptors; i++) {
        if (a[2] & only_mark)
            close_on_exec[i] = 1;
        else
            rl_sys_close((const u64[]){i});
    }
    return 0;
}

static i64 create(struct place *place, u64 mode, u32 kind) {
    const u32 file = rl_new_file(kind, (u32)mode & 07777 & ~creation_mask);
    if (!file) return -ENOSPC;
    const i64 error = rl_add_entry(place->directory, place->name, place->length, file);
    if (error) rl_files[file].kind = kind_none;
    place->file = file;
    return error;
}

static i64 check_open(const struct place *place, u64 flags) {
    const struct file *const file = &rl_files[place->file];
    const bool writes = (flags & O_ACCESS) != 0 || (flags & O_TRUNC), reads = (flags & O_ACCESS) != O_WRONLY;
    if (file->kind == kind_directory && (writes || (flags & O_CREAT))) return -EISDIR;
    if (file->kind != kind_directory && (flags & O_DIRECTORY)) return -ENOTDIR;
    if (file->kind == kind_link && !(flags & O_PATH)) return -ELOOP;
    if (flags & O_PATH) return 0;
    if ((writes && !(file->mode & 0200)) || (reads && !(file->mode & 0400))) return -EACCES;
    return 0;
}

static i64 open_at(i64 at, u64 path, u64 flags, u64 mode) {
    struct place place;
    if (flags & O_PATH) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC; // Linux ignores the others
    const bool exclusive = (flags & O_CREAT) && (flags & O_EXCL),
               follows = !exclusive && !(flags & O_NOFOLLOW);
    const enum follow follow =
        flags & O_CREAT ? (follows ? follow_create : follow_create_no) : (follows ? follow_yes : follow_no);
    if ((flags & O_TMPFILE) == O_TMPFILE) return -EOPNOTSUPP;
    if ((flags & O_CREAT) && (flags & O_DIRECTORY)) return -EINVAL;
    const i64 error = rl_resolve(at, path, follow, path_first, &place);
    if (error) return error;
    if (place.file && exclusive) return -EEXIST;
    if (!place.file) {
        if (!(flags & O_CREAT)) return -ENOENT;
        const i64 failed = create(&place, mode, kind_file);
        if (failed) return failed;
    } else {
        const i64 refused = check_open(&place, flags);
        if (refused) return refused;
    }
    struct file *const file = &rl_files[place.file];
    const u32 kept = (u32)flags | (flags & O_PATH ? 0u : (u32)O_LARGEFILE);
    const i64 descriptor = rl_give_descriptor(place.file, kept, 0);
    if (descriptor < 0) return descriptor;
    if (file->generated) rl_generate(file);
    if ((flags & O_TRUNC) && file->kind == kind_file) file->size = 0, file->modified_ns = rl_clock_ns;
    return descriptor;
}

i64 rl_sys_open(const u64 *a) { return open_at(AT_FDCWD, a[0], a[1], a[2]); }
i64 rl_sys_openat(const u64 *a) { return open_at((i64)a[0], a[1], a[2], a[3]); }
i64 rl_sys_creat(const u64 *a) { return open_at(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, a[1]); }

i64 rl_sys_memfd_create(const u64 *a) {
    char name[250];
    for (u32 i = 0;; i++) {
        if (i == sizeof(name)) return -EINVAL;
        if (!copy_in(&name[i], a[0] + i, 1)) return -EFAULT;
        if (!name[i]) break;
    }
    if (a[1] & ~7ull) return -EINVAL;
    const u32 file = rl_new_file(kind_file, 0777);
    return file ? rl_give_descriptor(file, O_RDWR | O_LARGEFILE | (a[1] & 1 ? O_CLOEXEC : 0), 0) : -ENFILE;
}

i64 rl_sys_umask(const u64 *a) {
    const u32 old = creation_mask;
    creation_mask = a[0] & 0777;
    return old;
}

i64 rl_sys_mkdirat(const u64 *a) {
    struct place place;
    i64 error = rl_resolve((i64)a[0], a[1], follow_parent, path_first, &place);
    if (!error) error = rl_check_new(&place, kind_directory);
    if (error) return error;
    return create(&place, a[2] & 01777, kind_directory);
}
i64 rl_sys_mkdir(const u64 *a) { return rl_sys_mkdirat((const u64[]){(u64)AT_FDCWD, a[0], a[1]}); }

static i64 duplicate(u64 from, u64 to, bool close) {
    struct open_file *const open = rl_open_file_of(from);
    if (!open) return -EBADF;
    descriptors[to] = descriptors[(u32)from];
    close_on_exec[to] = close;
    open->uses++;
    return (i64)to;
}

static i64 duplicate_from(u64 from, u64 least, bool close) {
    if (!rl_open_file_of(from)) return -EBADF;
    if ((i32)least < 0 || least >= max_descriptors) return -EINVAL;
    const i64 to = free_descriptor(least);
    return to < 0 ? to : duplicate(from, (u64)to, close);
}

i64 rl_sys_dup(const u64 *a) { return duplicate_from(a[0], 0, false); }

i64 rl_sys_dup3(const u64 *a) {
    if (a[2] & ~(u64)O_CLOEXEC || (u32)a[0] == (u32)a[1]) return -EINVAL;
    if (!rl_open_file_of(a[0]) || (u32)a[1] >= max_descriptors) return -EBADF;
    rl_sys_close((const u64[]){a[1]});
    return duplicate(a[0], (u32)a[1], a[2] != 0);
}

i64 rl_sys_dup2(const u64 *a) {
    if ((u32)a[0] == (u32)a[1]) return rl_open_file_of(a[0]) ? (i64)(u32)a[1] : -EBADF;
    return rl_sys_dup3((const u64[]){a[0], a[1], 0});
}

i64 rl_sys_fcntl(const u64 *a) {
    enum {
        dup,
        get_flags,
        set_flags,
        get_status,
        set_status,
        get_lock,
        set_lock,
        set_lock_wait,
        get_owner = 9,
        dup_close = 1030,
        set_pipe_size = 1031,
        get_pipe_size,
        add_seals = 1033,
        get_seals
    };
    enum { settable = O_APPEND | O_NONBLOCK };
    struct open_file *const open = rl_open_file_of(a[0]);
    if (!open) return -EBADF;
    switch ((u32)a[1]) {
    case dup:
        return duplicate_from(a[0], a[2], false);
    case dup_close:
        return duplicate_from(a[0], a[2], true);
    case get_flags:
        return close_on_exec[(u32)a[0]];
    case set_flags:
        close_on_exec[(u32)a[0]] = a[2] & 1;
        return 0;
    case get_status:
        return open->flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC);
    default:
        break;
    }
    if (open->flags & O_PATH) return -EBADF; // whose file is only named
    switch ((u32)a[1]) {
    case set_status:
        open->flags = (open->flags & ~(u32)settable) | ((u32)a[2] & settable);
        return 0;
    case get_lock: { // struct flock: the first word is the type; F_UNLCK is 2
        const u16 unlocked = 2;
        return GIVE(a[2], unlocked);
    }
    case set_lock:
    case set_lock_wait:
    case add_seals:
    case get_seals:
    case get_owner:
        return 0;
    case set_pipe_size:
    case get_pipe_size:
        return rl_files[open->file].kind == kind_pipe ? 65536 : -EBADF;
    default:
        return -EINVAL;
    }
}

i64 rl_sys_lseek(const u64 *a) {
    enum { set, current, end, data, hole };
    struct open_file *const open = rl_usable_file_of(a[0]);
    const u32 whence = (u32)a[2];
    if (!open) return -EBADF;
    if (whence > hole) return -EINVAL;
    const struct file *const file = &rl_files[open->file];
    if (file->kind == kind_pipe || file->kind == kind_event) return -ESPIPE;
    if (file->kind == kind_device)
        return file->device == device_input || file->device == device_output ? -ESPIPE : 0;
    if (file->kind == kind_directory && whence > current) return -EINVAL; // as tmpfs
    if (whence >= data) {
        if (a[1] >= file->size) return -ENXIO;
        return (i64)(open->offset = whence == data ? a[1] : file->size);
    }
    const u64 base = whence == set ? 0 : whence == current ? open->offset : file->size;
    i64 to;
    if (__builtin_add_overflow((i64)base, (i64)a[1], &to)) return -EOVERFLOW;
    if (to < 0) return -EINVAL;
    return (i64)(open->offset = (u64)to);
}

// Descriptors 0 to 2 are devices that are not a terminal.
i64 rl_sys_ioctl(const u64 *a) {
    enum { bytes_ready = 0x541b, set_nonblocking = 0x5421, set_close = 0x5451, clear_close = 0x5450 };
    struct open_file *const open = rl_usable_file_of(a[0]);
    if (!open) return -EBADF;
    const struct file *const file = &rl_files[open->file];
    u32 value = 0;
    switch ((u32)a[1]) {
    case set_nonblocking:
        if (!copy_in(&value, a[2], sizeof(value))) return -EFAULT;
        open->flags = (open->flags & ~(u32)O_NONBLOCK) | (value ? O_NONBLOCK : 0u);
        return 0;
    case set_close:
    case clear_close:
        close_on_exec[(u32)a[0]] = (u32)a[1] == set_close;
        return 0;
    case bytes_ready:
        if (file->kind != kind_file && file->kind != kind_pipe) return -ENOTTY;
        value = (u32)(file->kind == kind_pipe     ? file->size
                      : file->size > open->offset ? file->size - open->offset
                                                  : 0);
        return GIVE(a[2], value);
    default:
        return -ENOTTY;
    }
}

static i64 good(const u64 *a) { return rl_usable_file_of(a[0]) ? 0 : -EBADF; }
i64 rl_sys_flock(const u64 *a) { return good(a); }
i64 rl_sys_fsync(const u64 *a) {
    const struct open_file *const open = rl_usable_file_of(a[0]);
    if (!open) return -EBADF;
    const u32 kind = rl_files[open->file].kind;
    return kind == kind_file || kind == kind_directory ? 0 : -EINVAL;
}
i64 rl_sys_fdatasync(const u64 *a) { return rl_sys_fsync(a); }
i64 rl_sys_syncfs(const u64 *a) { return good(a); }
i64 rl_sys_sync(const u64 *a __attribute__((unused))) { return 0; }
i64 rl_sys_readahead(const u64 *a) { return good(a); }
i64 rl_sys_fadvise64(const u64 *a) { return good(a); }
