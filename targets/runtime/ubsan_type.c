// targets/runtime/ubsan_type.c — the dynamic types of C++ objects, in the Itanium ABI's layout, without its
// library: C targets have none.
#include "targets/runtime/ubsan.h"

struct type_info {
    const void *table; // of the class that says how the type derives from others
    const char *name;
};
struct single {
    struct type_info type;
    const struct type_info *base;
};
struct several {
    struct type_info type;
    u32 flags, count;
    struct {
        const struct type_info *type;
        i64 offset_flags; // offset << 8 | virtual << 0 | public << 1
    } bases[];
};
struct table_prefix {
    i64 offset_to_top;
    const struct type_info *type;
};

// Present in C++ targets only. An object's table pointer points behind the prefix.
WEAK extern const char single_table[] __asm__("_ZTVN10__cxxabiv120__si_class_type_infoE");
WEAK extern const char several_table[] __asm__("_ZTVN10__cxxabiv121__vmi_class_type_infoE");
extern const char __executable_start[], _end[];

// What a wild object contains is read only where it can be read.
static bool in_image(u64 address, u64 size) {
    return address >= (u64)__executable_start && address + size <= (u64)_end && address + size > address &&
           address % 8 == 0;
}

bool rl_same_type(const void *a, const void *b) {
    if (a == b) return true;
    if (!a || !b) return false;
    const char *x = ((const struct type_info *)a)->name, *y = ((const struct type_info *)b)->name;
    if (*x == '*' || *y == '*') return false; // of one file each
    while (*x && *x == *y) x++, y++;
    return *x == *y;
}

static bool is_table(const void *table, const char *of) {
    return of && table == of + sizeof(struct table_prefix);
}

// Whether a class `derived` holds one of class `base` at this offset. Where a virtual base lies is known at
// run time only; UBSan's own runtime accepts all of them, too.
static bool holds(const struct type_info *derived, const struct type_info *base, i64 offset, u32 depth) {
    enum { is_virtual = 1, offset_shift = 8 };
    if (rl_same_type(derived, base)) return offset == 0;
    if (!depth) return false;
    if (is_table(derived->table, single_table))
        return holds(((const struct single *)derived)->base, base, offset, depth - 1);
    if (!is_table(derived->table, several_table)) return false;
    const struct several *const type = (const struct several *)derived;
    for (u32 i = 0; i < type->count; i++) {
        const i64 flags = type->bases[i].offset_flags;
        if (flags & is_virtual) return true;
        if (holds(type->bases[i].type, base, offset - (flags >> offset_shift), depth - 1)) return true;
    }
    return false;
}

bool rl_is_object_of(u64 object, const void *type) {
    enum { depth = 32 };
    if (object % 8 || rl_first_poisoned(object, 8)) return false;
    const u64 table = *(const u64 *)object;
    if (!in_image(table - sizeof(struct table_prefix), sizeof(struct table_prefix))) return false;
    const struct table_prefix *const prefix =
        (const struct table_prefix *)(table - sizeof(struct table_prefix));
    if (!in_image((u64)prefix->type, sizeof(struct type_info))) return false;
    return holds(prefix->type, type, -prefix->offset_to_top, depth);
}
