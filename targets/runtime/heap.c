// targets/runtime/heap.c — the malloc family: blocks with red zones and call stacks, and a quarantine of
// freed blocks.
//
//   | header 64 | memory ... | red zone 16..2048 || header 64 | memory ...
//   ^ chunk                                       ^ next chunk
//
// Blocks are taken one after the other from an arena whose shadow is poisoned from the start, so an
// allocation unpoisons only its own bytes. A freed block stays poisoned. The arena is used up to a limit;
// only there, a rover searches it from the oldest block on, joins adjacent freed blocks and reuses them. When
// it finds none soon, the limit rises: what is freed stays in quarantine, and a case that allocates and frees
// again and again does not use all of the machine's memory.
#include "targets/runtime/runtime.h"

enum {
    header = sizeof(struct block),
    filled_bytes = 4096,     // AddressSanitizer fills no more than the first 4096
    limit_step = 64 << 20,   // the first limit, and how far it rises (chosen)
    search_steps = 1 << 16,  // blocks that the rover visits before the limit rises (chosen)
    large_block = 1 << 20,   // from here on the work on a block's shadow spends the edge budget
    shadow_per_edge = 1 << 9 // bytes of shadow that count as one edge (chosen)
};
#define ARENA_END (RL_HEAP_BASE + RL_HEAP_SIZE)

static bool on_stack(u64 bp) {
    return bp - (RL_STACK_TOP - RL_STACK_SIZE) < RL_STACK_SIZE - 16 && bp % 8 == 0;
}

// The innermost return addresses; they fit 32 bits because the ELF lies below 4 GiB.
void rl_record_frames(u32 frames[RL_REPORT_FRAMES], struct site site) {
    frames[0] = (u32)site.pc;
    u64 bp = site.bp;
    u32 i = 1;
    for (; i < RL_REPORT_FRAMES && on_stack(bp); i++) {
        const u64 *const frame = (const u64 *)bp;
        frames[i] = (u32)frame[1] - 1;
        if (frame[0] <= bp) {
            i++;
            break;
        }
        bp = frame[0];
    }
    for (; i < RL_REPORT_FRAMES; i++) frames[i] = 0;
}

// A sixteenth of the block, as AddressSanitizer does: a stride over an image's row should not reach the next
// block.
static u64 red_zone(u64 size) {
    const u64 zone = (size >> 4) & ~15ull;
    return zone < 16 ? 16 : zone > 2048 ? 2048 : zone;
}

void rl_heap_start(void) {
    if (rl_hot.heap_next) return;
    rl_hot.heap_next = rl_hot.heap_rover = RL_HEAP_BASE;
    rl_hot.heap_limit = RL_HEAP_BASE + limit_step;
    if (*shadow_of(RL_HEAP_BASE) != shadow_heap)
        rl_fill(shadow_of(RL_HEAP_BASE), shadow_heap, limit_step >> 3);
    if (*shadow_of(RL_INPUT_BASE) != shadow_heap)
        rl_fill(shadow_of(RL_INPUT_BASE), shadow_heap, RL_INPUT_SIZE >> 3);
}

// Makes the unneeded rest of a reused chunk a freed chunk of its own.
static void split(struct block *block, u32 bytes) {
    const u32 rest = block->bytes - bytes;
    if (rest < header + 16) return;
    block->bytes = bytes;
    struct block *const next = (struct block *)((u64)block + bytes);
    *next = (struct block){.mark = block_freed, .bytes = rest, .offset = header, .memory_mark = block_memory};
}

static bool is_freed(u64 at) { return at < rl_hot.heap_next && ((struct block *)at)->mark == block_freed; }

static void spend_on_shadow(u64 size) {
    if (UNLIKELY(size >= large_block)) spend((size >> 3) / shadow_per_edge);
}

// The next place for a chunk of so many bytes among freed ones; null after one whole round, or so many steps.
static struct block *reuse(u32 bytes, u64 steps) {
    const u64 used = rl_hot.heap_next - RL_HEAP_BASE;
    u64 travelled = 0;
    for (u64 at = rl_hot.heap_rover; travelled <= used && steps; steps--) {
        if (at >= rl_hot.heap_next) at = RL_HEAP_BASE;
        struct block *const block = (struct block *)at;
        if (block->mark != block_live && block->mark != block_freed)
            return NULL; // overwritten by code without instrumentation: the list of chunks is lost
        spend(1);
        if (block->mark == block_freed) {
            for (u64 next; block->bytes < bytes && is_freed(next = at + block->bytes); spend(1))
                block->bytes += ((struct block *)next)->bytes;
            if (block->bytes >= bytes) {
                split(block, bytes);
                spend_on_shadow(block->bytes);
                rl_fill(shadow_of(at), shadow_heap, block->bytes >> 3);
                rl_hot.heap_rover = at + block->bytes;
                block->leak_flags = 0;
                return block;
            }
        }
        travelled += block->bytes;
        at += block->bytes;
        rl_hot.heap_rover = at;
    }
    return NULL;
}

// Cuts a chunk from the untouched part of the arena: zero and poisoned. Null beyond `limit`.
static inline struct block *cut(u64 bytes, u64 limit) {
    struct block *const block = (struct block *)rl_hot.heap_next;
    if (UNLIKELY(bytes > limit - rl_hot.heap_next)) return NULL;
    rl_hot.heap_next += bytes;
    block->bytes = (u32)bytes;
    return block;
}

// Beyond the limit: a freed chunk, or else a higher limit, or else a longer search.
static NOINLINE struct block *find_more(u64 bytes, bool *fresh) {
    *fresh = false;
    struct block *block = bytes <= RL_HEAP_SIZE ? reuse((u32)bytes, search_steps) : NULL;
    if (block) return block;
    block = cut(bytes, ARENA_END);
    if (!block) return bytes <= RL_HEAP_SIZE ? reuse((u32)bytes, UINT64_MAX) : NULL;
    *fresh = true;
    const u64 left = ARENA_END - rl_hot.heap_next;
    rl_hot.heap_limit = rl_hot.heap_next + (left < limit_step ? left : limit_step);
    return block;
}

static NOINLINE void *refuse(struct site site, u64 size) {
    if (!rl_options.null_when_too_large)
        rl_report_kind(site, rl_kind_bad_alloc_size, 0, size,
                       "the allocation is too large, or no memory is left");
    return NULL;
}

// NULL for what cannot be expected to fit; else the case has really used the heap up, which is a finding.
static NOINLINE void *used_up(struct site site, u64 size) {
    if (size > RL_HEAP_SIZE / 2) return refuse(site, size);
    rl_report_kind(site, rl_kind_out_of_memory, 0, size, "the heap of 2 GiB is used up");
}

static void *allocate(u64 size, u64 alignment, enum family family, struct site site, bool zeroed) {
    if (UNLIKELY(!rl_hot.heap_next)) rl_heap_start();
    if (UNLIKELY(size > rl_hot.largest_block || alignment > RL_HEAP_SIZE)) return refuse(site, size);
    const u64 slack = alignment > 16 ? alignment : 0;
    const u64 bytes = header + slack + ((size + 15) & ~15ull) + red_zone(size);
    bool fresh = true; // not used in this case yet
    struct block *block = cut(bytes, rl_hot.heap_limit);
    if (UNLIKELY(!block) && !(block = find_more(bytes, &fresh))) return used_up(site, size);
    u64 memory = (u64)block + header;
    if (slack) memory = (memory + slack - 1) & ~(slack - 1);
    block->mark = block_live;
    block->size = (u32)size;
    block->family = family;
    rl_record_frames(block->allocated, site);
    block->offset = (u32)(memory - (u64)block);
    block->memory_mark = block_memory;
    if (slack) { // free searches it here
        ((u32 *)memory)[-2] = block->offset;
        ((u32 *)memory)[-1] = block_memory;
    }
    spend_on_shadow(size);
    unpoison(memory, size);
    if (!zeroed)
        rl_fill((void *)memory, rl_hot.fill, size < filled_bytes ? size : filled_bytes);
    else if (!fresh)
        rl_fill((void *)memory, 0, size);
    if (UNLIKELY(rl_hot.hooked)) rl_tell_allocated((void *)memory, size);
    return (void *)memory;
}

void *rl_allocate(u64 size, u64 alignment, enum family family, struct site site) {
    return allocate(size, alignment, family, site, false);
}

struct block *rl_block_at(const volatile void *p) {
    const u64 memory = (u64)p;
    if (memory % 16 || memory - RL_HEAP_BASE - header >= RL_HEAP_SIZE || ((u32 *)memory)[-1] != block_memory)
        return NULL;
    struct block *const block = (struct block *)(memory - ((u32 *)memory)[-2]);
    const bool inside = (u64)block >= RL_HEAP_BASE && (u64)block <= memory - header;
    if (!inside || block->offset != memory - (u64)block) return NULL;
    return block->mark == block_live || block->mark == block_freed ? block : NULL;
}

// The block whose memory starts at p; ends the case if there is none.
static struct block *block_at(void *p, struct site site) {
    struct block *const block = rl_block_at(p);
    if (LIKELY(block && block->mark == block_live)) return block;
    rl_report_kind(site, block ? rl_kind_double_free : rl_kind_invalid_free, (u64)p, 0, "");
}

void rl_free(void *p, enum family family, struct site site) {
    if (!p) return;
    struct block *const block = block_at(p, site);
    if (UNLIKELY(block->family != family && rl_options.dealloc_mismatch))
        rl_report_kind(site, rl_kind_alloc_dealloc_mismatch, (u64)p, 0, "");
    if (UNLIKELY(rl_hot.hooked)) rl_tell_freed(p);
    block->mark = block_freed;
    rl_record_frames(block->freed, site);
    spend_on_shadow(block->size);
    rl_fill(shadow_of((u64)p), shadow_freed, (block->size + 7ull) >> 3);
}

int *__errno_location(void);
enum { error_no_memory = 12, error_invalid = 22 };

static void *or_error(void *p) {
    if (UNLIKELY(!p)) *__errno_location() = error_no_memory;
    return p;
}

void *malloc(size_t size) { return or_error(allocate(size, 16, family_malloc, CALLER(), false)); }

void *calloc(size_t count, size_t size) {
    u64 total;
    if (__builtin_mul_overflow(count, size, &total)) total = UINT64_MAX;
    return or_error(allocate(total, 16, family_malloc, CALLER(), true));
}

void free(void *p) { rl_free(p, family_malloc, CALLER()); }

// Always moves, as AddressSanitizer does, so that a stale pointer is caught.
void *realloc(void *p, size_t size) {
    const struct site site = CALLER();
    if (!p) return or_error(allocate(size, 16, family_malloc, site, false));
    const struct block *const block = block_at(p, site);
    if (!size) {
        rl_free(p, family_malloc, site);
        return NULL;
    }
    void *const moved = or_error(allocate(size, 16, family_malloc, site, false));
    if (!moved) return NULL;
    rl_copy(moved, p, block->size < size ? block->size : size);
    rl_free(p, family_malloc, site);
    return moved;
}

void *reallocarray(void *p, size_t count, size_t size) {
    u64 total;
    if (__builtin_mul_overflow(count, size, &total)) return or_error(NULL);
    return realloc(p, total);
}

static bool is_alignment(u64 alignment) { return alignment && !(alignment & (alignment - 1)); }

void *memalign(size_t alignment, size_t size) {
    if (!is_alignment(alignment)) {
        *__errno_location() = error_invalid;
        return NULL;
    }
    return or_error(allocate(size, alignment, family_malloc, CALLER(), false));
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (!is_alignment(alignment)) {
        *__errno_location() = error_invalid;
        return NULL;
    }
    return or_error(allocate(size, alignment, family_malloc, CALLER(), false));
}

int posix_memalign(void **p, size_t alignment, size_t size) {
    if (!is_alignment(alignment) || alignment % sizeof(void *)) return error_invalid;
    void *const memory = allocate(size, alignment, family_malloc, CALLER(), false);
    if (!memory) return error_no_memory;
    *p = memory;
    return 0;
}

void *valloc(size_t size) { return or_error(allocate(size, 4096, family_malloc, CALLER(), false)); }

void *pvalloc(size_t size) {
    const u64 pages = size ? (size + 4095) & ~4095ull : 4096;
    return or_error(allocate(pages < size ? UINT64_MAX : pages, 4096, family_malloc, CALLER(), false));
}

size_t malloc_usable_size(void *p) { return p ? block_at(p, CALLER())->size : 0; }
