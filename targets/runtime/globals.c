// targets/runtime/globals.c — the red zones of global variables, and the search for the variable at an
// address.
#include "targets/runtime/runtime.h"

// In clang's layout.
struct global {
    u64 base, size, size_with_red_zone;
    const char *name, *module;
    u64 has_initializer;
    void *location;
    u64 indicator;
};
_Static_assert(sizeof(struct global) == 64, "clang 14's __asan_global, version 8");

enum { table_capacity = 256 };
COLD static struct {
    const struct global *first;
    u64 count;
} tables[table_capacity]; // one for each module of the target; the red zones of further modules work, but
                          // reports do not describe them
static u32 table_count;

extern char rl_fence_data[64], rl_fence_bss[64];
extern const char rl_fence_rodata[64];

static void poison(const struct global *global) {
    const u64 end = global->base + global->size, red = (end + 7) & ~7ull;
    rl_fill(shadow_of(red), shadow_global, (global->base + global->size_with_red_zone - red) >> 3);
    if (end & 7) *shadow_of(end) = (u8)(end & 7);
}

static void poison_fence(u64 fence) { rl_fill(shadow_of(fence), shadow_global, 8); }

void __asan_register_globals(const struct global *globals, u64 count) {
    if (!table_count) {
        poison_fence((u64)rl_fence_data);
        poison_fence((u64)rl_fence_bss);
        poison_fence((u64)rl_fence_rodata);
    }
    for (u64 i = 0; i < count; i++) poison(&globals[i]);
    if (table_count == table_capacity) return;
    tables[table_count].first = globals;
    tables[table_count++].count = count;
}

void __asan_register_elf_globals(u64 *registered, const struct global *first, const struct global *end) {
    if (*registered || first == end) return;
    *registered = 1;
    __asan_register_globals(first, (u64)(end - first));
}

void __asan_unregister_globals(const struct global *globals, u64 count) { (void)globals, (void)count; }
void __asan_unregister_elf_globals(u64 *registered, const struct global *first, const struct global *end) {
    (void)registered, (void)first, (void)end;
}

// The variable whose own bytes are nearest, if the address lies in its red zone or just below it.
bool rl_find_global(u64 address, u64 *base, u64 *size, const char **name) {
    enum { just_below = 64 };
    u64 nearest = UINT64_MAX;
    for (u32 t = 0; t < table_count; t++) {
        for (u64 i = 0; i < tables[t].count; i++) {
            const struct global *const g = &tables[t].first[i];
            if (address + just_below < g->base || address >= g->base + g->size_with_red_zone) continue;
            const u64 end = g->base + g->size;
            const u64 away = address < g->base ? g->base - address : address < end ? 0 : address - end + 1;
            if (away >= nearest) continue;
            nearest = away;
            *base = g->base;
            *size = g->size;
            *name = g->name;
        }
    }
    return nearest != UINT64_MAX;
}
