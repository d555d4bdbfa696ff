// targets/runtime/linux/status.c — what is known of a file: stat and its relatives, rights, times, length.
#include "targets/runtime/linux/linux.h"

enum { AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000 };

static u32 type_of(u32 kind) {
    static const u32 types[] = {[kind_file] = 0100000,   [kind_directory] = 0040000, [kind_link] = 0120000,
                                [kind_device] = 0020000, [kind_pipe] = 0010000,      [kind_event] = 0};
    return types[kind];
}
static u64 special_of(const struct file *file) { // device numbers: memory devices are 1:3 and on
    static const u64 numbers[] = {[device_null] = 0x103, [device_zero] = 0x105,  [device_random] = 0x109,
                                  [device_full] = 0x107, [device_input] = 0x103, [device_output] = 0x103};
    return file->kind == kind_device ? numbers[file->device] : 0;
}
static u64 size_of(const struct file *file) {
    return file->kind == kind_file || file->kind == kind_link ? file->size
           : file->kind == kind_directory                     ? PAGE
                                                              : 0;
}
static u32 links_of(const struct file *file) { // a pipe has no name, and one link
    return file->kind == kind_pipe || file->kind == kind_event ? 1 : file->links;
}
static u64 seconds(u64 ns) { return FIRST_SECOND + ns / 1000000000; }

static i64 give_stat(u32 number, u64 to) {
    const struct file *const file = &rl_files[number];
    struct {
        u64 device, inode, links;
        u32 mode, user, group, padding;
        u64 special;
        u64 size, block_size, blocks, times[6], reserved[3];
    } stat = {1,
              number,
              links_of(file),
              type_of(file->kind) | file->mode,
              user_id,
              user_id,
              0,
              special_of(file),
              size_of(file),
              PAGE,
              (size_of(file) + 511) / 512,
              {seconds(file->accessed_ns), file->accessed_ns % 1000000000, seconds(file->modified_ns),
               file->modified_ns % 1000000000, seconds(file->modified_ns), file->modified_ns % 1000000000},
              {0}};
    _Static_assert(sizeof(stat) == 144, "struct stat");
    return GIVE(to, stat);
}

// The file that a call of the "at" family names: a descriptor with an empty path, or a path.
static i64 file_of(u64 at, u64 path, u64 flags, u32 *file) {
    struct place place;
    u8 first;
    if (flags & AT_EMPTY_PATH) {
        if (!copy_in(&first, path, 1)) return -EFAULT;
        if (!first && (i32)at != AT_FDCWD) {
            const struct open_file *const open = rl_open_file_of(at);
            if (!open) return -EBADF;
            *file = open->file;
            return 0;
        }
    }
    const i64 error =
        rl_resolve((i64)at, path, flags & AT_SYMLINK_NOFOLLOW ? follow_no : follow_yes, path_first, &place);
    if (error) return error;
    *file = place.file;
    return place.file ? 0 : -ENOENT;
}

i64 rl_sys_newfstatat(const u64 *a) {
    u32 file;
    const i64 error = file_of(a[0], a[1], a[3], &file);
    return error ? error : give_stat(file, a[2]);
}
i64 rl_sys_stat(const u64 *a) { return rl_sys_newfstatat((const u64[]){HERE, a[0], a[1], 0}); }
i64 rl_sys_lstat(const u64 *a) {
    return rl_sys_newfstatat((const u64[]){HERE, a[0], a[1], AT_SYMLINK_NOFOLLOW});
}
i64 rl_sys_fstat(const u64 *a) {
    const struct open_file *const open = rl_open_file_of(a[0]);
    return open ? give_stat(open->file, a[1]) : -EBADF;
}

struct statx_time {
    u64 seconds;
    u32 nanoseconds, reserved;
};
i64 rl_sys_statx(const u64 *a) {
    u32 number;
    const i64 error = file_of(a[0], a[1], a[2], &number);
    if (error) return error;
    const struct file *const file = &rl_files[number];
    const struct statx_time accessed = {seconds(file->accessed_ns), (u32)(file->accessed_ns % 1000000000), 0};
    const struct statx_time modified = {seconds(file->modified_ns), (u32)(file->modified_ns % 1000000000), 0};
    struct {
        u32 mask, block_size;
        u64 attributes;
        u32 links, user, group;
        u16 mode, padding;
        u64 inode, size, blocks, attributes_mask;
        struct statx_time access, birth, change, modify;
        u32 special_major, special_minor, device_major, device_minor;
        u64 rest[14];
    } answer = {.mask = 0x7ff,
                .block_size = PAGE,
                .links = links_of(file),
                .user = user_id,
                .group = user_id,
                .mode = (u16)(type_of(file->kind) | file->mode),
                .inode = number,
                .size = size_of(file),
                .blocks = (size_of(file) + 511) / 512,
                .access = accessed,
                .birth = modified,
                .change = modified,
                .modify = modified,
                .special_major = (u32)special_of(file) >> 8,
                .special_minor = special_of(file) & 255,
                .device_minor = 1};
    _Static_assert(sizeof(answer) == 256, "struct statx");
    return GIVE(a[4], answer);
}

// The user owns everything.
static i64 check_access(u64 at, u64 path, u64 wanted, u64 flags) {
    u32 file;
    if (wanted & ~7ull) return -EINVAL;
    const i64 error = file_of(at, path, flags & AT_SYMLINK_NOFOLLOW, &file);
    if (error) return error;
    return (rl_files[file].mode >> 6 & wanted) == wanted ? 0 : -EACCES;
}
i64 rl_sys_access(const u64 *a) { return check_access(HERE, a[0], a[1], 0); }
i64 rl_sys_faccessat(const u64 *a) { return check_access(a[0], a[1], a[2], 0); }
i64 rl_sys_faccessat2(const u64 *a) { return check_access(a[0], a[1], a[2], a[3]); }

static i64 set_length(u32 number, u64 length) {
    struct file *const file = &rl_files[number];
    if ((i64)length < 0) return -EINVAL;
    if (file->kind == kind_directory) return -EISDIR;
    if (file->kind != kind_file) return -EINVAL;
    if (length > RL_FILES_SIZE) return -EFBIG;
    if (length > file->size && !rl_grow_file(file, length)) return -ENOSPC;
    file->size = length;
    file->modified_ns = rl_clock_ns;
    return 0;
}
i64 rl_sys_truncate(const u64 *a) {
    u32 file;
    if ((i64)a[1] < 0) return -EINVAL;
    const i64 error = file_of(HERE, a[0], 0, &file);
    if (error) return error;
    return rl_files[file].kind == kind_file && !(rl_files[file].mode & 0200) ? -EACCES
                                                                             : set_length(file, a[1]);
}
i64 rl_sys_ftruncate(const u64 *a) {
    const struct open_file *const open = rl_usable_file_of(a[0]);
    if ((i64)a[1] < 0) return -EINVAL;
    if (!open) return -EBADF;
    return !may_write(open) || rl_files[open->file].kind != kind_file ? -EINVAL
                                                                      : set_length(open->file, a[1]);
}
i64 rl_sys_fallocate(const u64 *a) {
    const struct open_file *const open = rl_usable_file_of(a[0]);
    if (!open) return -EBADF;
    if ((i64)a[2] < 0 || (i64)a[3] <= 0) return -EINVAL;
    if (a[1]) return -EOPNOTSUPP;
    if (!may_write(open)) return -EBADF;
    const struct file *const file = &rl_files[open->file];
    if (file->kind != kind_file) return file->kind == kind_pipe ? -ESPIPE : -ENODEV;
    u64 end;
    if (__builtin_add_overflow(a[2], a[3], &end)) return -EFBIG;
    return end > file->size ? set_length(open->file, end) : 0;
}

static i64 set_mode(u64 at, u64 path, u64 mode) {
    u32 file;
    const i64 error = file_of(at, path, 0, &file);
    if (!error) rl_files[file].mode = mode & 07777;
    return error;
}
i64 rl_sys_chmod(const u64 *a) { return set_mode(HERE, a[0], a[1]); }
i64 rl_sys_fchmodat(const u64 *a) { return set_mode(a[0], a[1], a[2]); }
i64 rl_sys_fchmod(const u64 *a) {
    const struct open_file *const open = rl_usable_file_of(a[0]);
    if (!open) return -EBADF;
    rl_files[open->file].mode = a[1] & 07777;
    return 0;
}

// A user may give a file only to himself.
static i64 set_owner(u64 at, u64 path, u64 flags, u64 user, u64 group) {
    u32 file;
    const i64 error = file_of(at, path, flags, &file);
    const bool same =
        ((u32)user == user_id || (u32)user == ~0u) && ((u32)group == user_id || (u32)group == ~0u);
    return error ? error : same ? 0 : -EPERM;
}
i64 rl_sys_chown(const u64 *a) { return set_owner(HERE, a[0], 0, a[1], a[2]); }
i64 rl_sys_lchown(const u64 *a) { return set_owner(HERE, a[0], AT_SYMLINK_NOFOLLOW, a[1], a[2]); }
i64 rl_sys_fchownat(const u64 *a) { return set_owner(a[0], a[1], a[4], a[2], a[3]); }
i64 rl_sys_fchown(const u64 *a) {
    if (!rl_usable_file_of(a[0])) return -EBADF;
    return ((u32)a[1] == user_id || (u32)a[1] == ~0u) && ((u32)a[2] == user_id || (u32)a[2] == ~0u) ? 0
                                                                                                    : -EPERM;
}

// Times are those of the virtual clock: a target that sets others gets no error.
static i64 exists(u64 path) {
    u32 file;
    return file_of(HERE, path, 0, &file);
}
i64 rl_sys_utime(const u64 *a) { return exists(a[0]); }
i64 rl_sys_utimes(const u64 *a) { return exists(a[0]); }
i64 rl_sys_utimensat(const u64 *a) {
    u32 file;
    if (!a[1]) return rl_open_file_of(a[0]) ? 0 : -EBADF;
    return file_of(a[0], a[1], a[3], &file);
}

static i64 give_file_system(u64 to) {
    const struct {
        u64 type, block_size, blocks, free, available, files, free_files, id, name_length, fragment, flags,
            spare[4];
    } answer = {0x01021994,
                PAGE,
                RL_FILES_SIZE / PAGE,
                RL_FILES_SIZE / PAGE / 2,
                RL_FILES_SIZE / PAGE / 2,
                max_files,
                max_files / 2,
                1,
                longest_name,
                PAGE,
                0,
                {0}};
    return GIVE(to, answer);
}
i64 rl_sys_statfs(const u64 *a) {
    const i64 error = exists(a[0]);
    return error ? error : give_file_system(a[1]);
}
i64 rl_sys_fstatfs(const u64 *a) { return rl_open_file_of(a[0]) ? give_file_system(a[1]) : -EBADF; }
