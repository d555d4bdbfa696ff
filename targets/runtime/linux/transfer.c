// targets/runtime/linux/transfer.c — reads and writes through descriptors, in each of Linux's forms.
#include "targets/runtime/linux/linux.h"

enum { most_vectors = 1024 };
#define MOST_BYTES 0x7ffff000ull // of one call

static i64 give_zeros(u64 to, u64 size) {
    static const u8 zeros[256];
    for (u64 given = 0; given < size; given += sizeof(zeros))
        if (!copy_out(to + given, zeros, MIN(sizeof(zeros), size - given))) return -EFAULT;
    return (i64)size;
}

static i64 read_device(enum device device, u64 to, u64 size) {
    switch (device) {
    case device_zero:
    case device_full:
        return give_zeros(to, size);
    case device_random:
        return rl_give_random(to, size);
    default:
        return 0; // end of file
    }
}

// Linux looks at a buffer's address only where it copies; the null device copies nothing.
static i64 write_device(enum device device, u64 from, u64 size) {
    if (device == device_full) return -ENOSPC;
    return device == device_output ? rl_print(from, size) : (i64)size;
}

// With `offset` the position of the call itself, else the descriptor's, which then moves.
static i64 read_from(struct open_file *open, u64 *offset, u64 to, u64 size) {
    struct file *const file = &rl_files[open->file];
    if (!may_read(open)) return -EBADF;
    size = MIN(size, MOST_BYTES);
    switch (file->kind) {
    case kind_directory:
        return -EISDIR;
    case kind_device:
        return read_device(file->device, to, size);
    case kind_pipe:
        return offset == &open->offset ? rl_read_pipe(open, to, size) : -ESPIPE;
    case kind_event:
        return offset == &open->offset ? rl_read_event(open, to, size) : -ESPIPE;
    default: {
        const i64 given = rl_read_file(file, *offset, to, size);
        if (given > 0) *offset += (u64)given;
        return given;
    }
    }
}

static i64 write_to(struct open_file *open, u64 *offset, u64 from, u64 size) {
    struct file *const file = &rl_files[open->file];
    if (!may_write(open)) return -EBADF;
    size = MIN(size, MOST_BYTES);
    switch (file->kind) {
    case kind_device:
        return write_device(file->device, from, size);
    case kind_pipe:
        return offset == &open->offset ? rl_write_pipe(open, from, size) : -ESPIPE;
    case kind_event:
        return offset == &open->offset ? rl_write_event(open, from, size) : -ESPIPE;
    default: {
        if (size && (open->flags & O_APPEND)) *offset = file->size;
        const i64 taken = rl_write_file(file, *offset, from, size);
        if (taken > 0) *offset += (u64)taken;
        return taken;
    }
    }
}

static bool has_positions(const struct open_file *open) {
    const u32 kind = rl_files[open->file].kind;
    return kind != kind_pipe && kind != kind_event;
}

typedef i64 (*transfer)(struct open_file *open, u64 *offset, u64 address, u64 size);

static i64 once(transfer move, const u64 *a) {
    struct open_file *const open = rl_usable_file_of(a[0]);
    return open ? move(open, &open->offset, a[1], a[2]) : -EBADF;
}
static i64 once_at(transfer move, const u64 *a) {
    struct open_file *const open = rl_usable_file_of(a[0]);
    u64 offset = a[3];
    if ((i64)offset < 0) return -EINVAL;
    if (!open) return -EBADF;
    if (!has_positions(open)) return -ESPIPE; // before the rights are looked at
    return move(open, &offset, a[1], a[2]);
}
i64 rl_sys_read(const u64 *a) { return once(read_from, a); }
i64 rl_sys_write(const u64 *a) { return once(write_to, a); }
i64 rl_sys_pread64(const u64 *a) { return once_at(read_from, a); }
i64 rl_sys_pwrite64(const u64 *a) { return once_at(write_to, a); }

static i64 vectors(transfer move, const u64 *a, u64 *offset) {
    struct open_file *const open = rl_usable_file_of(a[0]);
    i64 total = 0;
    if (!open || !(move == read_from ? may_read(open) : may_write(open))) return -EBADF;
    if (a[2] > most_vectors) return -EINVAL;
    for (u64 i = 0; i < a[2]; i++) {
        struct {
            u64 base, length;
        } vector;
        if (!copy_in(&vector, a[1] + i * sizeof(vector), sizeof(vector))) return total ? total : -EFAULT;
        if ((i64)vector.length < 0) return -EINVAL;
        if (!vector.length) continue;
        const i64 moved = move(open, offset ? offset : &open->offset, vector.base, vector.length);
        if (moved < 0) return total && moved != RL_BLOCKED ? total : moved;
        total += moved;
        if ((u64)moved < vector.length) break;
    }
    return total;
}
i64 rl_sys_readv(const u64 *a) { return vectors(read_from, a, NULL); }
i64 rl_sys_writev(const u64 *a) { return vectors(write_to, a, NULL); }
static i64 vectors_at(transfer move, const u64 *a) {
    const struct open_file *const open = rl_usable_file_of(a[0]);
    u64 offset = a[3];
    if ((i64)offset < 0) return -EINVAL;
    if (!open) return -EBADF;
    return has_positions(open) ? vectors(move, a, &offset) : -ESPIPE;
}
i64 rl_sys_preadv(const u64 *a) { return vectors_at(read_from, a); }
i64 rl_sys_pwritev(const u64 *a) { return vectors_at(write_to, a); }

// From file to file; in one piece, because both lie in this library's memory.
static i64 copy_between(struct open_file *in, u64 *in_offset, struct open_file *out, u64 *out_offset,
                        u64 size) {
    const struct file *const from = &rl_files[in->file];
    if (from->kind != kind_file) return -EINVAL;
    if (!may_read(in) || !may_write(out)) return -EBADF;
    if (*in_offset >= from->size) return 0;
    const i64 moved =
        write_to(out, out_offset, (u64)from->data + *in_offset, MIN(size, from->size - *in_offset));
    if (moved > 0) *in_offset += (u64)moved;
    return moved;
}

i64 rl_sys_sendfile(const u64 *a) {
    struct open_file *const out = rl_usable_file_of(a[0]), *const in = rl_usable_file_of(a[1]);
    u64 offset;
    if (!out || !in || !may_read(in) || !may_write(out)) return -EBADF;
    const struct file *const to = &rl_files[out->file];
    if (to->kind != kind_pipe && (out->flags & O_APPEND)) return -EINVAL;
    if (to->kind == kind_pipe && !to->readers)
        return rl_write_pipe(out, 0, 1); // an error even when there is nothing to write
    if (!a[2]) return copy_between(in, &in->offset, out, &out->offset, a[3]);
    if (!copy_in(&offset, a[2], sizeof(offset))) return -EFAULT;
    const i64 moved = copy_between(in, &offset, out, &out->offset, a[3]);
    return copy_out(a[2], &offset, sizeof(offset)) ? moved : -EFAULT;
}

i64 rl_sys_copy_file_range(const u64 *a) {
    struct open_file *const in = rl_usable_file_of(a[0]), *const out = rl_usable_file_of(a[2]);
    u64 from, to;
    if (!out || !in) return -EBADF;
    if (rl_files[out->file].kind != kind_file || in == out) return -EINVAL;
    if (a[1] && !copy_in(&from, a[1], sizeof(from))) return -EFAULT;
    if (a[3] && !copy_in(&to, a[3], sizeof(to))) return -EFAULT;
    const i64 moved = copy_between(in, a[1] ? &from : &in->offset, out, a[3] ? &to : &out->offset, a[4]);
    if (a[1] && !copy_out(a[1], &from, sizeof(from))) return -EFAULT;
    if (a[3] && !copy_out(a[3], &to, sizeof(to))) return -EFAULT;
    return moved;
}
