// targets/runtime/linux/files.c — the file system in memory: files, directory entries, and the files' bytes.
//
// Bytes lie in one piece for each file, in an area of its own that takes memory as it is used; freed pieces
// serve again for files of the same size class. The hypervisor writes the files that the target brings to the
// area's start.
#include "targets/runtime/linux/linux.h"

COLD struct file rl_files[max_files];
COLD struct entry rl_entries[max_entries];
u64 rl_used_entries;
char rl_program_path[RL_PATH_SIZE];
static u64 storage_end = RL_FILES_BASE;
enum { smallest_order = 12, orders = 32 };
COLD static u8 *free_pieces[orders]; // by order: the first word of a free piece is the next one

static u32 order_of(u64 size) {
    u32 order = smallest_order;
    while ((1ull << order) < size) order++;
    return order;
}

u8 *rl_take_storage(u64 size) {
    const u32 order = order_of(size);
    if (order >= orders) return NULL;
    u8 *const freed = free_pieces[order];
    if (freed) {
        free_pieces[order] = *(u8 **)(void *)freed;
        return freed;
    }
    if ((1ull << order) > RL_FILES_BASE + RL_FILES_SIZE - storage_end) return NULL;
    u8 *const fresh = (u8 *)storage_end;
    storage_end += 1ull << order;
    return fresh;
}

static void free_storage(u8 *piece, u64 capacity) {
    const u32 order = order_of(capacity);
    if (!piece || capacity != 1ull << order) return; // the hypervisor's
    *(u8 **)(void *)piece = free_pieces[order];
    free_pieces[order] = piece;
}

bool rl_grow_file(struct file *file, u64 size) {
    if (size > file->capacity) {
        u8 *const piece = rl_take_storage(size);
        if (!piece) return false;
        copy(piece, file->data, file->size);
        free_storage(file->data, file->capacity);
        file->data = piece;
        file->capacity = 1ull << order_of(size);
    }
    if (size > file->size) clear(file->data + file->size, size - file->size);
    file->size = size;
    return true;
}

u32 rl_new_file(u32 kind, u32 mode) {
    for (u32 i = root_directory; i < max_files; i++) {
        if (rl_files[i].kind != kind_none) continue;
        rl_files[i] =
            (struct file){.kind = kind, .mode = mode, .modified_ns = rl_clock_ns, .accessed_ns = rl_clock_ns};
        return i;
    }
    return 0;
}

void rl_release_file(u32 number) {
    struct file *const file = &rl_files[number];
    if (file->links || file->opens || file->kind == kind_none) return;
    free_storage(file->data, file->capacity);
    file->kind = kind_none;
}

u32 rl_find_entry(u32 directory, const char *name, u64 length) {
    for (u32 i = 0; i < rl_used_entries; i++) {
        const struct entry *const entry = &rl_entries[i];
        if (entry->directory == directory && entry->length == length && same_bytes(entry->name, name, length))
            return i;
    }
    return max_entries;
}

i64 rl_add_entry(u32 directory, const char *name, u64 length, u32 file) {
    u32 at = 0;
    while (at < rl_used_entries && rl_entries[at].directory) at++;
    if (at == max_entries) return -ENOSPC;
    if (at == rl_used_entries) rl_used_entries++;
    rl_entries[at] = (struct entry){.directory = directory, .file = file, .length = (u8)length};
    copy(rl_entries[at].name, name, length);
    rl_files[file].links++;
    rl_files[directory].modified_ns = rl_clock_ns;
    if (rl_files[file].kind == kind_directory) rl_files[file].parent = directory;
    return 0;
}

void rl_remove_entry(u32 at) {
    struct entry *const entry = &rl_entries[at];
    const u32 file = entry->file;
    rl_files[entry->directory].modified_ns = rl_clock_ns;
    entry->directory = 0;
    rl_files[file].links--;
    rl_release_file(file);
}

i64 rl_read_file(struct file *file, u64 offset, u64 to, u64 size) {
    if (offset >= file->size) return 0;
    const u64 given = MIN(size, file->size - offset);
    return copy_out(to, file->data + offset, given) ? (i64)given : -EFAULT;
}

i64 rl_write_file(struct file *file, u64 offset, u64 from, u64 size) {
    u64 end;
    if (!size) return 0;
    if (__builtin_add_overflow(offset, size, &end) || end > RL_FILES_SIZE) return -EFBIG;
    const u64 before = file->size;
    if (end > file->size && !rl_grow_file(file, end)) return -ENOSPC;
    file->modified_ns = rl_clock_ns;
    if (copy_in(file->data + offset, from, size)) return (i64)size;
    file->size = before;
    return -EFAULT;
}

// Makes the directories of a path and its last part. Paths here are the hypervisor's or this file's own.
static u32 make(const char *path, u64 length, u32 kind, u32 mode) {
    u32 directory = root_directory;
    for (u64 at = 0; at < length;) {
        while (at < length && path[at] == '/') at++;
        u64 end = at;
        while (end < length && path[end] != '/') end++;
        if (end == at || end - at > longest_name) return 0;
        const u32 found = rl_find_entry(directory, path + at, end - at);
        u32 file = found < max_entries ? rl_entries[found].file : 0;
        if (!file) {
            file = rl_new_file(end == length ? kind : kind_directory, end == length ? mode : 0755);
            if (!file || rl_add_entry(directory, path + at, end - at, file)) return 0;
        }
        directory = file;
        at = end;
    }
    return directory;
}

static u32 make_named(const char *path, u32 kind, u32 mode) {
    return make(path, rl_length(path), kind, mode);
}

static void make_device(const char *path, enum device device) {
    const u32 file = make_named(path, kind_device, 0666);
    rl_files[file].device = device;
}

static void make_link(const char *path, const char *to) {
    const u32 file = make_named(path, kind_link, 0777);
    if (!file || !rl_grow_file(&rl_files[file], rl_length(to))) return;
    copy(rl_files[file].data, to, rl_length(to));
}

// The program lies in a folder of its own, which it starts in, as OSS-Fuzz's do; files that it looks for
// beside itself are there.
static void find_program(void) {
    u64 folder = 0;
    copy(rl_program_path, (const void *)RL_PATH, RL_PATH_SIZE - 1);
    for (u64 at = 0; rl_program_path[at]; at++)
        if (rl_program_path[at] == '/') folder = at;
    const u32 made = make(rl_program_path, folder, kind_directory, 0755);
    if (made) rl_working_directory = made;
    rl_files[rl_working_directory].opens++;
}

// The target's own files: records that the hypervisor wrote (abi.h). Their bytes stay where they are.
static void take_brought_files(void) {
    for (const struct rl_brought_file *brought = (const void *)RL_FILES_BASE; brought->path_length;) {
        const char *const path = (const char *)(brought + 1);
        const u32 number = make(path, brought->path_length, kind_file, 0644);
        const u64 data = ((u64)path + brought->path_length + 15) & ~15ull;
        if (number) {
            rl_files[number].data = (u8 *)data;
            rl_files[number].size = rl_files[number].capacity = brought->size;
        }
        storage_end = (data + brought->size + 15) & ~15ull;
        brought = (const void *)storage_end;
    }
    storage_end = page_up(storage_end + sizeof(struct rl_brought_file));
}

static void make_generated(const char *path, enum generated content) {
    rl_files[make_named(path, kind_file, 0444)].generated = content;
}

void rl_files_start(void) {
    rl_threads[0].state = thread_ready;
    rl_threads[0].id = process_id;
    rl_files[root_directory] =
        (struct file){.kind = kind_directory, .mode = 0755, .links = 1, .parent = root_directory};
    take_brought_files();
    find_program();
    make_named("tmp", kind_directory, 01777);
    make_named("home", kind_directory, 0755);
    make_named("etc", kind_directory, 0755);
    make_named("var/tmp", kind_directory, 01777);
    make_device("dev/null", device_null);
    make_device("dev/zero", device_zero);
    make_device("dev/full", device_full);
    make_device("dev/random", device_random);
    make_device("dev/urandom", device_random);
    make_device("dev/stdin", device_input);
    make_device("dev/stdout", device_output);
    make_device("dev/stderr", device_output);
    make_named("dev/shm", kind_directory, 01777);
    make_link("proc/self/exe", rl_program_path);
    make_generated("proc/self/maps", generated_maps);
    make_generated("proc/self/status", generated_status);
    make_generated("proc/self/stat", generated_stat);
    make_generated("proc/self/cmdline", generated_cmdline);
    make_generated("proc/cpuinfo", generated_cpuinfo);
    make_generated("proc/meminfo", generated_meminfo);
    for (u32 number = 0; number < 3; number++) {
        static const char *const paths[] = {"dev/stdin", "dev/stdout", "dev/stderr"};
        rl_give_descriptor(make_named(paths[number], kind_device, 0620), number ? O_WRONLY : 0, number);
    }
}
