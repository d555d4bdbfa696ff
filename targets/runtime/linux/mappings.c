// targets/runtime/linux/mappings.c — mmap and its family: a table of ranges in the area for mappings.
//
// The area is mapped readable and writable, as zeros, before the target starts. New mappings take memory that
// was never used, so that it need not be cleared; only when none is left, holes serve again. The hypervisor
// changes page tables (RL_CALL_PROTECT) where a range gets other rights.
#include "targets/runtime/linux/linux.h"

enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, usual_rights = PROT_READ | PROT_WRITE };
enum {
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_SHARED_VALIDATE = 3,
    MAP_TYPE = 15,
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_FIXED_NOREPLACE = 0x100000
};
#define AREA_END (RL_MAPPING_BASE + RL_MAPPING_SIZE)

struct range {
    u64 start, end;
    u32 rights;
    u32 file;   // of a shared, writable mapping: changes go back to it; else 0
    u64 offset; // in the file, of `start`
};
enum { max_ranges = 1024 };
COLD static struct range ranges[max_ranges]; // ascending, without overlap
static u64 range_count;
static u64 used_end = RL_MAPPING_BASE; // memory from here on was never used
static u64 break_end = RL_BREAK_BASE;

u64 rl_mapping_end(void) { return used_end; }

// For leaks.c: where pointers may lie, with the registers of threads that do not run. Their stacks are
// mappings.
void rl_each_mapping(void (*visit)(u64 begin, u64 end));
void rl_each_mapping(void (*visit)(u64 begin, u64 end)) {
    for (u64 i = 0; i < range_count; i++)
        if (ranges[i].rights & PROT_READ) visit(ranges[i].start, ranges[i].end);
    visit((u64)rl_threads, (u64)(rl_threads + max_threads));
}

static i64 set_rights(u64 start, u64 end, u64 rights) {
    return (i64)rl_hypercall(RL_CALL_PROTECT, start | rights, end - start);
}

// A mapping without rights, made just now, whose pages have not lost theirs yet: libraries make a thread's
// stack so and then give rights to all of it but a guard page, which then takes one change instead of two.
// The next system call settles it, whatever it is.
static u64 unsettled, unsettled_end;

void rl_settle_mappings(void) {
    if (unsettled < unsettled_end) set_rights(unsettled, unsettled_end, 0);
    unsettled = unsettled_end = 0;
}

// Whether [start, end) is the upper part of the unsettled mapping and gets the rights that its pages have.
static bool keeps_rights(u64 start, u64 end, u64 rights) {
    if (rights != usual_rights || start < unsettled || end != unsettled_end) return false;
    unsettled_end = start;
    return true;
}

static u64 first_behind(u64 address) { // the first range that ends behind it
    u64 i = 0;
    while (i < range_count && ranges[i].end <= address) i++;
    return i;
}

static void insert_at(u64 at, struct range range) {
    for (u64 i = range_count; i > at; i--) ranges[i] = ranges[i - 1];
    ranges[at] = range;
    range_count++;
}

static void remove_at(u64 at) {
    range_count--;
    for (u64 i = at; i < range_count; i++) ranges[i] = ranges[i + 1];
}

// Afterwards no range crosses `address`.
static bool split(u64 address) {
    const u64 at = first_behind(address);
    if (at == range_count || ranges[at].start >= address) return true;
    if (range_count == max_ranges) return false;
    struct range upper = ranges[at];
    upper.offset += address - upper.start;
    upper.start = address;
    ranges[at].end = address;
    insert_at(at + 1, upper);
    return true;
}

static bool can_join(const struct range *a, const struct range *b) {
    return a->end == b->start && a->rights == b->rights && !a->file && !b->file;
}

static void join_around(u64 address) {
    const u64 at = first_behind(address);
    if (at + 1 < range_count && can_join(&ranges[at], &ranges[at + 1])) {
        ranges[at].end = ranges[at + 1].end;
        remove_at(at + 1);
    }
    if (at > 0 && at < range_count && can_join(&ranges[at - 1], &ranges[at])) {
        ranges[at - 1].end = ranges[at].end;
        remove_at(at);
    }
}

// A shared mapping's changes go to its file, as far as the file is long.
static void write_back(const struct range *range, u64 start, u64 end) {
    struct file *const file = &rl_files[range->file];
    const u64 offset = range->offset + (start - range->start);
    if (range->file && offset < file->size)
        rl_user_copy(file->data + offset, (const void *)start, MIN(end - start, file->size - offset));
}

static i64 unmap(u64 start, u64 end) {
    if (!split(start) || !split(end)) return -ENOMEM;
    const u64 at = first_behind(start);
    u64 first = at < range_count ? ranges[at].start : end;
    while (at < range_count && ranges[at].start < end) {
        const struct range gone = ranges[at];
        write_back(&gone, gone.start, gone.end);
        if (gone.file) rl_files[gone.file].opens--, rl_release_file(gone.file);
        remove_at(at);
        const bool more = at < range_count && ranges[at].start == gone.end && gone.end < end;
        if (more) continue; // neighbours lose their rights together
        set_rights(first, gone.end, 0);
        if (at < range_count) first = ranges[at].start;
    }
    return 0;
}

static bool is_free(u64 start, u64 end) {
    const u64 at = first_behind(start);
    return at == range_count || ranges[at].start >= end;
}

// The lowest hole of this size.
static u64 find_hole(u64 size) {
    u64 start = RL_MAPPING_BASE;
    for (u64 i = 0; i < range_count; i++) {
        if (ranges[i].start - start >= size) return start;
        start = ranges[i].end;
    }
    return size <= AREA_END - start ? start : 0;
}

// Clears what an earlier mapping left, in memory and in its shadow; reads first, because a write costs a
// private page.
static void clear_used(u64 start, u64 end) {
    u64 *const words = (u64 *)start, *const shadow = (u64 *)RL_SHADOW_OF(start);
    for (u64 i = 0; i < (end - start) / 8; i++)
        if (words[i]) words[i] = 0;
    for (u64 i = 0; i < (end - start) / 64; i++)
        if (shadow[i]) shadow[i] = 0;
}

static bool inside_area(u64 start, u64 size) {
    return start >= RL_MAPPING_BASE && start <= AREA_END && size <= AREA_END - start;
}

// Takes [start, start + size), all zero, readable and writable. 0 or an error.
static i64 take(u64 start, u64 size) {
    if (range_count == max_ranges) return -ENOMEM;
    const u64 end = start + size, dirty_end = MIN(end, used_end);
    if (start < dirty_end) {
        const i64 error = set_rights(start, dirty_end, usual_rights);
        if (error) return error;
        clear_used(start, dirty_end);
    }
    if (end > used_end) used_end = end;
    insert_at(first_behind(start), (struct range){start, end, usual_rights, 0, 0});
    return 0;
}

static i64 place_of(const u64 *a, u64 size) {
    if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (a[0] % PAGE) return -EINVAL;
        if (!inside_area(a[0], size)) return -ENOMEM;
        if (is_free(a[0], a[0] + size)) return (i64)a[0];
        if (a[3] & MAP_FIXED_NOREPLACE) return -EEXIST;
        const i64 error = unmap(a[0], a[0] + size);
        return error ? error : (i64)a[0];
    }
    if (size <= AREA_END - used_end) return (i64)used_end;
    const u64 hole = find_hole(size);
    return hole ? (i64)hole : -ENOMEM;
}

static i64 fill_from_file(const u64 *a, u64 start, u64 size, struct open_file *open) {
    struct file *const file = &rl_files[open->file];
    if (file->kind == kind_file && a[5] < file->size)
        copy((void *)start, file->data + a[5], MIN(size, file->size - a[5]));
    if ((a[3] & MAP_TYPE) == MAP_PRIVATE || !(a[2] & PROT_WRITE) || file->kind != kind_file) return 0;
    struct range *const range = &ranges[first_behind(start)];
    range->file = open->file;
    range->offset = a[5];
    file->opens++;
    return 0;
}

static i64 check_file(const u64 *a, const struct open_file *open) {
    if (!open) return -EBADF;
    const struct file *const file = &rl_files[open->file];
    const u64 access = open->flags & O_ACCESS;
    if (file->kind != kind_file && !(file->kind == kind_device && file->device == device_zero))
        return -ENODEV;
    if (access == O_WRONLY) return -EACCES;
    if ((a[3] & MAP_TYPE) != MAP_PRIVATE && (a[2] & PROT_WRITE) && access != O_RDWR) return -EACCES;
    return 0;
}

i64 rl_sys_mmap(const u64 *a) {
    const u64 size = page_up(a[1]), type = a[3] & MAP_TYPE;
    struct open_file *const open = a[3] & MAP_ANONYMOUS ? NULL : rl_open_file_of(a[4]);
    if (!a[1] || type == 0 || type > MAP_SHARED_VALIDATE || a[5] % PAGE) return -EINVAL;
    if (!size || size > RL_MAPPING_SIZE) return -ENOMEM;
    const i64 bad = a[3] & MAP_ANONYMOUS ? 0 : check_file(a, open);
    if (bad) return bad;
    const i64 start = place_of(a, size);
    if (start < 0) return start;
    const bool fresh = (u64)start >= used_end;
    i64 error = take((u64)start, size);
    if (!error && open) error = fill_from_file(a, (u64)start, size, open);
    const u32 rights = a[2] & 7;
    if (!error && rights != usual_rights) {
        if (fresh && !rights)
            unsettled = (u64)start, unsettled_end = (u64)start + size;
        else
            error = set_rights((u64)start, (u64)start + size, rights);
        ranges[first_behind((u64)start)].rights = rights;
    }
    if (error) return error;
    join_around((u64)start);
    return start;
}

i64 rl_sys_munmap(const u64 *a) {
    const u64 size = page_up(a[1]);
    if (a[0] % PAGE || !size || a[0] + size < a[0] || a[0] + size > 1ull << 47) return -EINVAL;
    const u64 start = a[0] > RL_MAPPING_BASE ? a[0] : RL_MAPPING_BASE, end = MIN(a[0] + size, AREA_END);
    return start < end ? unmap(start, end)
                       : 0; // what is not mapped here cannot be unmapped: no error, as Linux
}

static bool all_mapped(u64 start, u64 end) {
    for (u64 at = first_behind(start); at < range_count && ranges[at].start <= start; at++) {
        start = ranges[at].end;
        if (start >= end) return true;
    }
    return false;
}

static i64 protect(const u64 *a) {
    const u64 size = page_up(a[1]), end = a[0] + size, rights = a[2] & 7;
    if (a[0] % PAGE || (a[2] & ~0x0300000full)) return -EINVAL;
    if (!a[1]) return 0;
    if (!size || end < a[0]) return -ENOMEM;
    if (!inside_area(a[0], size)) return set_rights(a[0], end, rights);
    if (!all_mapped(a[0], end) || !split(a[0]) || !split(end)) return -ENOMEM;
    if (!keeps_rights(a[0], end, rights)) {
        rl_settle_mappings();
        const i64 error = set_rights(a[0], end, rights);
        if (error) return error;
    }
    for (u64 at = first_behind(a[0]); at < range_count && ranges[at].start < end; at++)
        ranges[at].rights = (u32)rights;
    join_around(end);
    join_around(a[0]);
    return 0;
}

i64 rl_sys_mprotect(const u64 *a) {
    const i64 result = protect(a);
    rl_settle_mappings();
    return result;
}

i64 rl_sys_mremap(const u64 *a) {
    enum { may_move = 1, fixed = 2 };
    const u64 old_size = page_up(a[1]), new_size = page_up(a[2]), end = a[0] + old_size;
    if (a[0] % PAGE || !new_size || (a[3] & ~3ull) || ((a[3] & fixed) && !(a[3] & may_move))) return -EINVAL;
    if (!old_size || !inside_area(a[0], old_size) || !all_mapped(a[0], end)) return -EFAULT;
    if (a[3] & fixed) return rl_refuse(25, a, -ENOMEM);
    if (new_size == old_size) return (i64)a[0];
    if (new_size < old_size) {
        const i64 error = unmap(a[0] + new_size, end);
        return error ? error : (i64)a[0];
    }
    const u64 more = new_size - old_size;
    if (more <= AREA_END - end && is_free(end, end + more)) {
        const i64 error = take(end, more);
        join_around(end);
        return error ? error : (i64)a[0];
    }
    if (!(a[3] & may_move)) return -ENOMEM;
    const i64 moved =
        rl_sys_mmap((const u64[]){0, new_size, usual_rights, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0});
    if (moved < 0) return moved;
    if (rl_user_copy((void *)moved, (const void *)a[0], old_size)) return -EFAULT;
    unmap(a[0], end);
    return moved;
}

i64 rl_sys_madvise(const u64 *a) {
    enum { dont_need = 4, last_advice = 25, poison = 100 };
    const u64 size = page_up(a[1]);
    if (a[0] % PAGE || a[2] > poison || (a[2] > last_advice && a[2] < poison)) return -EINVAL;
    if (!size) return 0;
    if (!inside_area(a[0], size)) return 0;
    if (!all_mapped(a[0], a[0] + size)) return -ENOMEM;
    if (a[2] != dont_need) return 0;
    for (u64 at = first_behind(a[0]); at < range_count && ranges[at].start < a[0] + size; at++) {
        const u64 start = ranges[at].start > a[0] ? ranges[at].start : a[0],
                  end = MIN(ranges[at].end, a[0] + size);
        if ((ranges[at].rights & usual_rights) == usual_rights && !ranges[at].file) clear_used(start, end);
    }
    return 0;
}

i64 rl_sys_msync(const u64 *a) {
    const u64 size = page_up(a[1]);
    if (a[0] % PAGE || a[2] > 7 || (a[2] & 5) == 5) return -EINVAL;
    if (!inside_area(a[0], size)) return 0;
    for (u64 at = first_behind(a[0]); at < range_count && ranges[at].start < a[0] + size; at++)
        write_back(&ranges[at], ranges[at].start, ranges[at].end);
    return 0;
}

i64 rl_sys_mincore(const u64 *a) {
    const u8 present = 1;
    if (a[0] % PAGE) return -EINVAL;
    if (!inside_area(a[0], a[1]) || !all_mapped(a[0], a[0] + page_up(a[1]))) return -ENOMEM;
    for (u64 i = 0; i < page_up(a[1]) / PAGE; i++)
        if (!copy_out(a[2] + i, &present, 1)) return -EFAULT;
    return 0;
}

i64 rl_sys_mlock(const u64 *a __attribute__((unused))) { return 0; }
i64 rl_sys_mlock2(const u64 *a __attribute__((unused))) { return 0; }
i64 rl_sys_munlock(const u64 *a __attribute__((unused))) { return 0; }
i64 rl_sys_mlockall(const u64 *a __attribute__((unused))) { return 0; }
i64 rl_sys_munlockall(const u64 *a __attribute__((unused))) { return 0; }

i64 rl_sys_brk(const u64 *a) {
    if (a[0] < RL_BREAK_BASE || a[0] > RL_BREAK_BASE + RL_BREAK_SIZE) return (i64)break_end;
    if (a[0] < break_end) clear((void *)a[0], break_end - a[0]); // grown again, it is zero
    return (i64)(break_end = a[0]);
}
