// targets/runtime/linux/paths.c — finds what a path leads to, as Linux does (path_resolution(7)).
#include "targets/runtime/linux/linux.h"

enum { longest_chain = 40 }; // of symbolic links
// Each link's text comes before what is left of the path.
enum { longest_walk = (longest_chain + 2) * longest_path };

u32 rl_working_directory = root_directory;
COLD static char buffers[2][2][longest_walk]; // of each slot: the path, and the path with a link replaced

static bool is_dot(const char *name, u64 length) { return length == 1 && name[0] == '.'; }
static bool is_dot_dot(const char *name, u64 length) {
    return length == 2 && name[0] == '.' && name[1] == '.';
}

// One part of the path, from the directory in `place`.
static void step(struct place *place, const char *name, u64 length) {
    place->name = name;
    place->length = length;
    place->entry = max_entries;
    if (is_dot(name, length) || is_dot_dot(name, length)) {
        place->file = is_dot(name, length) ? place->directory : rl_files[place->directory].parent;
        return;
    }
    const u32 found = rl_find_entry(place->directory, name, length);
    place->entry = found < max_entries ? found : no_entry;
    place->file = found < max_entries ? rl_entries[found].file : 0;
}

i64 rl_check_last(const struct place *place) {
    if (place->entry == max_entries) return 0;
    if (!rl_files[place->directory].links) return -ENOENT; // it was removed
    return place->length > longest_name ? -ENAMETOOLONG : 0;
}

// Puts the link's text before what follows it, which may be no more than a slash: a path for another round.
static void replace_link(const struct file *link, const char *rest, u64 rest_length, bool slash, char *to,
                         u64 *length) {
    copy(to, link->data, link->size);
    to[link->size] = '/';
    copy(to + link->size + 1, rest, rest_length);
    *length = link->size + (slash ? rest_length + 1 : 0);
}

i64 rl_check_new(const struct place *place, u32 kind) {
    const i64 error = rl_check_last(place);
    if (error) return error;
    if (place->file) return -EEXIST;
    return place->wants_directory && kind != kind_directory ? -ENOENT : 0;
}

static i64 resolve_text(u32 start, const char *path, u64 length, enum follow follow, enum path_slot slot,
                        struct place *place) {
    u32 links = 0, spare = 1;
    *place = (struct place){.directory = start, .file = start, .entry = max_entries};
    for (u64 at = 0;;) {
        if (at < length && path[at] == '/' && at == 0) place->directory = place->file = root_directory;
        while (at < length && path[at] == '/') at++;
        if (at == length) return 0;
        u64 end = at;
        while (end < length && path[end] != '/') end++;
        u64 next = end;
        while (next < length && path[next] == '/') next++;
        const bool last = next == length;
        place->wants_directory = last && next > end;
        if (rl_files[place->directory].kind != kind_directory) return -ENOTDIR;
        if (place->wants_directory && follow >= follow_create && !is_dot(path + at, end - at) &&
            !is_dot_dot(path + at, end - at))
            return -EISDIR;
        step(place, path + at, end - at);
        if (last && follow == follow_parent) return 0;
        const i64 error = rl_check_last(place);
        if (error) return error;
        if (place->file && rl_files[place->file].kind == kind_link &&
            (!last || follow == follow_yes || follow == follow_create || place->wants_directory)) {
            if (++links > longest_chain) return -ELOOP;
            char *const to = buffers[slot][spare];
            replace_link(&rl_files[place->file], path + next, length - next, next > end, to, &length);
            path = to;
            spare ^= 1;
            at = 0;
            place->file = place->directory;
            continue;
        }
        if (last) {
            if (place->file && place->wants_directory && rl_files[place->file].kind != kind_directory)
                return -ENOTDIR;
            return 0;
        }
        if (!place->file) return -ENOENT;
        if (rl_files[place->file].kind != kind_directory) return -ENOTDIR;
        place->directory = place->file;
        at = next;
    }
}

// Copies the path's text; its length, or an error. A page at a time: the text may end in front of memory that
// is not mapped.
static i64 copy_path(u64 from, char *to) {
    for (u64 at = 0; at < longest_path;) {
        const u64 now = MIN(longest_path - at, PAGE - (from + at) % PAGE);
        if (!copy_in(to + at, from + at, now)) return -EFAULT;
        for (const u64 end = at + now; at < end; at++)
            if (!to[at]) return (i64)at;
    }
    return -ENAMETOOLONG;
}

i64 rl_resolve(i64 at, u64 path, enum follow follow, enum path_slot slot, struct place *place) {
    char *const text = buffers[slot][0];
    const i64 length = copy_path(path, text);
    if (length <= 0) return length ? length : -ENOENT;
    u32 start = rl_working_directory;
    if ((i32)at != AT_FDCWD && text[0] != '/') {
        const struct open_file *const open = rl_open_file_of((u32)at);
        if (!open) return -EBADF;
        if (rl_files[open->file].kind != kind_directory) return -ENOTDIR;
        start = open->file;
    }
    return resolve_text(start, text, (u64)length, follow, slot, place);
}
