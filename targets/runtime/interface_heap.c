// targets/runtime/interface_heap.c — sanitizer/allocator_interface.h: what is allocated, and hooks that the
// target has for each allocation.
//
// The sums walk over the blocks, so that an allocation keeps no books for them.
#include "targets/runtime/leaks.h"
#include "targets/runtime/text.h"

void __lsan_ignore_object(const void *p);

enum { most_hooks = 5 }; // as sanitizer/allocator_interface.h says

WEAK void __sanitizer_malloc_hook(const volatile void *p, size_t size);
WEAK void __sanitizer_free_hook(const volatile void *p);

static struct {
    void (*allocated)(const volatile void *, size_t);
    void (*freed)(const volatile void *);
} hooks[most_hooks];
static u32 hook_count;
static bool telling; // no hook is called for a hook's own allocations

// Called by the first allocation of the target's start-up, too.
void rl_find_hooks(void) {
    rl_hot.hooked = __sanitizer_malloc_hook || __sanitizer_free_hook || hook_count || rl_leaks_disabled();
}

void rl_tell_allocated(const volatile void *p, u64 size) {
    if (rl_leaks_disabled()) __lsan_ignore_object((const void *)p);
    if (telling) return;
    telling = true;
    if (__sanitizer_malloc_hook) __sanitizer_malloc_hook(p, size);
    for (u32 i = 0; i < hook_count; i++) hooks[i].allocated(p, size);
    telling = false;
}

void rl_tell_freed(const volatile void *p) {
    if (telling) return;
    telling = true;
    if (__sanitizer_free_hook) __sanitizer_free_hook(p);
    for (u32 i = 0; i < hook_count; i++) hooks[i].freed(p);
    telling = false;
}

int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *)) {
    if (!allocated || !freed || hook_count == most_hooks) return 0;
    hooks[hook_count].allocated = allocated;
    hooks[hook_count++].freed = freed;
    rl_find_hooks();
    return (int)hook_count;
}

static bool is_live(const struct block *block) { return block && block->mark == block_live; }

int __sanitizer_get_ownership(const volatile void *p) { return is_live(rl_block_at(p)); }

size_t __sanitizer_get_allocated_size(const volatile void *p) {
    const struct block *const block = rl_block_at(p);
    if (is_live(block)) return block->size;
    if (p) rl_report_kind(CALLER(), rl_kind_invalid_free, (u64)p, 0, "the size of what is no heap block");
    return 0;
}

size_t __sanitizer_get_estimated_allocated_size(size_t size) { return size; }

struct sums {
    u64 live, live_blocks, freed_chunks, freed_blocks;
};

static struct sums count(void) {
    struct sums sums = {0};
    for (u64 at = RL_HEAP_BASE; at < rl_hot.heap_next;) {
        const struct block *const block = (const struct block *)at;
        if (block->mark != block_live && block->mark != block_freed) break; // overwritten
        if (block->mark == block_live)
            sums.live += block->size, sums.live_blocks++;
        else
            sums.freed_chunks += block->bytes, sums.freed_blocks++;
        at += block->bytes;
    }
    spend((sums.live_blocks + sums.freed_blocks) / 8);
    return sums;
}

size_t __sanitizer_get_current_allocated_bytes(void) { return count().live; }
size_t __sanitizer_get_heap_size(void) { return rl_hot.heap_next ? rl_hot.heap_next - RL_HEAP_BASE : 0; }
size_t __sanitizer_get_free_bytes(void) { return count().freed_chunks; }
size_t __sanitizer_get_unmapped_bytes(void) { return 0; }

// Freed blocks stay in quarantine: they cost nothing until the arena is used up.
void __sanitizer_purge_allocator(void) {}

static void say_sums(void) {
    const struct sums sums = count();
    char line[160];
    struct text text = text_in(line, sizeof(line));
    text_add(&text, "Live heap blocks: ");
    text_unsigned(&text, sums.live);
    text_add(&text, " bytes in ");
    text_unsigned(&text, sums.live_blocks);
    text_add(&text, " blocks; quarantined: ");
    text_unsigned(&text, sums.freed_chunks);
    text_add(&text, " bytes in ");
    text_unsigned(&text, sums.freed_blocks);
    text_add(&text, " blocks\n");
    rl_say(line);
}

void __asan_print_accumulated_stats(void) { say_sums(); }
void __sanitizer_print_memory_profile(size_t top_percent, size_t max_contexts) {
    (void)top_percent, (void)max_contexts;
    say_sums();
}
