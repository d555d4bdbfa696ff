// targets/runtime/linux/directories.c — changes of directories: remove, rename, link, list, and the working
// directory.
#include "targets/runtime/linux/linux.h"

enum { AT_REMOVEDIR = 0x200, AT_SYMLINK_FOLLOW = 0x400 };

static bool is_empty(u32 directory) {
    for (u32 i = 0; i < rl_used_entries; i++)
        if (rl_entries[i].directory == directory) return false;
    return true;
}

static bool is_last_dot(const struct place *place) {
    return place->entry == max_entries; // "/", "." or ".."
}

static i64 remove_directory(const struct place *place) {
    if (is_last_dot(place)) return place->length == 1 ? -EINVAL : place->length == 2 ? -ENOTEMPTY : -EBUSY;
    if (!place->file) return -ENOENT;
    if (rl_files[place->file].kind != kind_directory) return -ENOTDIR;
    if (!is_empty(place->file)) return -ENOTEMPTY;
    rl_remove_entry(place->entry);
    return 0;
}

i64 rl_sys_unlinkat(const u64 *a) {
    struct place place;
    if (a[2] & ~(u64)AT_REMOVEDIR) return -EINVAL;
    i64 error = rl_resolve((i64)a[0], a[1], follow_parent, path_first, &place);
    if (!error) error = rl_check_last(&place);
    if (error) return error;
    if (a[2] & AT_REMOVEDIR) return remove_directory(&place);
    if (is_last_dot(&place)) return -EISDIR;
    if (!place.file) return -ENOENT;
    if (rl_files[place.file].kind == kind_directory) return -EISDIR;
    if (place.wants_directory) return -ENOTDIR;
    rl_remove_entry(place.entry);
    return 0;
}
i64 rl_sys_unlink(const u64 *a) { return rl_sys_unlinkat((const u64[]){HERE, a[0], 0}); }
i64 rl_sys_rmdir(const u64 *a) { return rl_sys_unlinkat((const u64[]){HERE, a[0], AT_REMOVEDIR}); }

static bool lies_below(u32 directory, u32 above) {
    for (; directory != root_directory; directory = rl_files[directory].parent)
        if (directory == above) return true;
    return above == root_directory;
}

static i64 check_replaced(const struct place *from, const struct place *to) {
    const bool directory = rl_files[from->file].kind == kind_directory;
    const bool over_directory = rl_files[to->file].kind == kind_directory;
    if (directory && !over_directory) return -ENOTDIR;
    if (!directory && over_directory) return -EISDIR;
    return over_directory && !is_empty(to->file) ? -ENOTEMPTY : 0;
}

i64 rl_sys_renameat2(const u64 *a) {
    enum { no_replace = 1, exchange = 2 };
    struct place from, to;
    if (a[4] & ~(u64)no_replace) return -EINVAL;
    i64 error = rl_resolve((i64)a[0], a[1], follow_parent, path_first, &from);
    if (!error) error = rl_resolve((i64)a[2], a[3], follow_parent, path_second, &to);
    if (error) return error;
    if (is_last_dot(&from)) return -EBUSY;
    if (is_last_dot(&to)) return a[4] & no_replace ? -EEXIST : -EBUSY;
    error = rl_check_last(&from);
    if (error) return error;
    if (!from.file) return -ENOENT;
    error = rl_check_last(&to);
    if (error) return error;
    const bool directory = rl_files[from.file].kind == kind_directory;
    if (to.file && (a[4] & no_replace)) return -EEXIST;
    if ((from.wants_directory || to.wants_directory) && !directory) return -ENOTDIR;
    if (directory && lies_below(to.directory, from.file)) return -EINVAL;
    if (to.file && rl_files[to.file].kind == kind_directory && lies_below(from.directory, to.file))
        return -ENOTEMPTY;
    if (to.file) {
        if (to.file == from.file) return 0;
        error = check_replaced(&from, &to);
        if (error) return error;
        rl_remove_entry(to.entry);
    }
    const u32 file = from.file;
    rl_files[file].links++; // while no entry names it
    rl_remove_entry(from.entry);
    error = rl_add_entry(to.directory, to.name, to.length, file);
    rl_files[file].links--;
    return error;
}
i64 rl_sys_renameat(const u64 *a) { return rl_sys_renameat2((const u64[]){a[0], a[1], a[2], a[3], 0}); }
i64 rl_sys_rename(const u64 *a) { return rl_sys_renameat2((const u64[]){HERE, a[0], HERE, a[1], 0}); }

i64 rl_sys_linkat(const u64 *a) {
    struct place from, to;
    i64 error =
        rl_resolve((i64)a[0], a[1], a[4] & AT_SYMLINK_FOLLOW ? follow_yes : follow_no, path_first, &from);
    if (error) return error;
    if (!from.file) return -ENOENT;
    error = rl_resolve((i64)a[2], a[3], follow_parent, path_second, &to);
    if (!error) error = rl_check_new(&to, kind_file);
    if (error) return error;
    if (rl_files[from.file].kind == kind_directory) return -EPERM;
    return rl_add_entry(to.directory, to.name, to.length, from.file);
}
i64 rl_sys_link(const u64 *a) { return rl_sys_linkat((const u64[]){HERE, a[0], HERE, a[1], 0}); }

i64 rl_sys_symlinkat(const u64 *a) {
    struct place place;
    char text[longest_path];
    u64 length = 0;
    for (;; length++) {
        if (length == sizeof(text)) return -ENAMETOOLONG;
        if (!copy_in(&text[length], a[0] + length, 1)) return -EFAULT;
        if (!text[length]) break;
    }
    if (!length) return -ENOENT;
    i64 error = rl_resolve((i64)a[1], a[2], follow_parent, path_second, &place);
    if (!error) error = rl_check_new(&place, kind_link);
    if (error) return error;
    const u32 file = rl_new_file(kind_link, 0777);
    if (!file || !rl_grow_file(&rl_files[file], length)) return -ENOSPC;
    copy(rl_files[file].data, text, length);
    return rl_add_entry(place.directory, place.name, place.length, file);
}
i64 rl_sys_symlink(const u64 *a) { return rl_sys_symlinkat((const u64[]){a[0], HERE, a[1]}); }

// An empty path means the descriptor's own file, which may be a link (O_PATH with O_NOFOLLOW).
static i64 link_of(const u64 *a, u32 *file) {
    struct place place;
    u8 first;
    if (!copy_in(&first, a[1], 1)) return -EFAULT;
    if (!first) {
        const struct open_file *const open = rl_open_file_of(a[0]);
        if ((i32)a[0] != AT_FDCWD && !open) return -EBADF;
        *file = open ? open->file : 0;
        return open && rl_files[*file].kind == kind_link ? 0 : -ENOENT;
    }
    const i64 error = rl_resolve((i64)a[0], a[1], follow_no, path_first, &place);
    if (error) return error;
    *file = place.file;
    return !place.file ? -ENOENT : rl_files[place.file].kind == kind_link ? 0 : -EINVAL;
}

i64 rl_sys_readlinkat(const u64 *a) {
    u32 number;
    if ((i32)a[3] <= 0) return -EINVAL;
    const i64 error = link_of(a, &number);
    if (error) return error;
    const struct file *const file = &rl_files[number];
    const u64 given = MIN(a[3], file->size);
    return copy_out(a[2], file->data, given) ? (i64)given : -EFAULT;
}
i64 rl_sys_readlink(const u64 *a) { return rl_sys_readlinkat((const u64[]){HERE, a[0], a[1], a[2]}); }

static i64 change_to(u32 file) {
    if (!file) return -ENOENT;
    if (rl_files[file].kind != kind_directory) return -ENOTDIR;
    const u32 left = rl_working_directory;
    rl_files[file].opens++;
    rl_files[left].opens--;
    rl_working_directory = file;
    rl_release_file(left); // it may have been removed
    return 0;
}
i64 rl_sys_chdir(const u64 *a) {
    struct place place;
    const i64 error = rl_resolve(AT_FDCWD, a[0], follow_yes, path_first, &place);
    return error ? error : change_to(place.file);
}
i64 rl_sys_fchdir(const u64 *a) {
    const struct open_file *const open = rl_open_file_of(a[0]);
    return open ? change_to(open->file) : -EBADF;
}

static const struct entry *entry_of(u32 file) {
    for (u32 i = 0; i < rl_used_entries; i++)
        if (rl_entries[i].directory && rl_entries[i].file == file) return &rl_entries[i];
    return NULL;
}

// Built from the end: the names from the working directory up to the root.
i64 rl_sys_getcwd(const u64 *a) {
    char path[longest_path];
    u64 at = sizeof(path) - 1;
    path[at] = 0;
    for (u32 directory = rl_working_directory; directory != root_directory;
         directory = rl_files[directory].parent) {
        const struct entry *const entry = entry_of(directory);
        if (!entry) return -ENOENT; // it was removed
        if (entry->length + 1ull > at) return -ENAMETOOLONG;
        at -= entry->length;
        copy(path + at, entry->name, entry->length);
        path[--at] = '/';
    }
    if (!path[at]) path[--at] = '/';
    const u64 size = sizeof(path) - at;
    if (size > a[1]) return -ERANGE;
    return copy_out(a[0], path + at, size) ? (i64)size : -EFAULT;
}

static u8 type_of(u32 kind) {
    enum { pipe = 1, character = 2, directory = 4, regular = 8, link = 10 };
    static const u8 types[] = {[kind_file] = regular,     [kind_directory] = directory, [kind_link] = link,
                               [kind_device] = character, [kind_pipe] = pipe,           [kind_event] = 0};
    return types[kind];
}

// The descriptor's offset counts entries: first "." and "..", then those of the table.
i64 rl_sys_getdents64(const u64 *a) {
    struct open_file *const open = rl_usable_file_of(a[0]);
    u64 used = 0;
    if (!open) return -EBADF;
    if (rl_files[open->file].kind != kind_directory) return -ENOTDIR;
    if (!rl_files[open->file].links) return -ENOENT; // it was removed
    for (; open->offset < rl_used_entries + 2; open->offset++) {
        struct {
            u64 inode, next;
            u16 length;
            u8 type;
            char name[longest_name + 1];
        } __attribute__((packed)) record;
        const struct entry *const entry = open->offset < 2 ? NULL : &rl_entries[open->offset - 2];
        if (entry && entry->directory != open->file) continue;
        const u64 name_length = entry ? entry->length : open->offset + 1;
        const u64 size = (offsetof(__typeof__(record), name) + name_length + 1 + 7) & ~7ull;
        clear(&record, sizeof(record));
        record.inode = entry ? entry->file : open->offset ? rl_files[open->file].parent : open->file;
        record.next = open->offset + 1;
        record.length = (u16)size;
        record.type = entry ? type_of(rl_files[entry->file].kind) : type_of(kind_directory);
        copy(record.name, entry ? entry->name : "..", name_length);
        if (used + size > (u32)a[2]) return used ? (i64)used : -EINVAL;
        if (!copy_out(a[1] + used, &record, size)) return used ? (i64)used : -EFAULT;
        used += size;
    }
    return (i64)used;
}
