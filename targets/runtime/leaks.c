// targets/runtime/leaks.c — finds heap blocks that are still allocated and that no pointer reaches; and
// sanitizer/lsan_interface.h.
//
// As LeakSanitizer does: pointers are searched in global variables, the stack, registers, thread-local
// storage and in every block that a pointer reaches; a pointer to any byte of a block reaches it; poisoned
// words are no pointers. It runs only in a case that asks for it and keeps no books in others. Its tables lie
// in the part of the arena that no block has used.
#include "targets/runtime/leaks.h"

#include "targets/runtime/text.h"

enum { flag_ignored = 1, flag_reached = 2, flag_indirect = 4 }; // block::leak_flags
enum { most_regions = 64, page = 4096 };

COLD static struct { u64 begin, end; } regions[most_regions]; // what the target has registered as roots
static u32 region_count;
static u64 disabled; // calls of __lsan_disable without their __lsan_enable

WEAK int __lsan_is_turned_off(void);
WEAK int __lsan_is_turned_off(void) { return 0; }
WEAK const char *__lsan_default_suppressions(void);
WEAK const char *__lsan_default_suppressions(void) { return ""; }
// Where the target has mapped memory by system calls, for a runtime that answers them.
WEAK void rl_each_mapping(void (*visit)(u64 begin, u64 end));

void __lsan_disable(void) {
    disabled++;
    rl_find_hooks();
}
void __lsan_enable(void) {
    if (disabled) disabled--;
    rl_find_hooks();
}
bool rl_leaks_disabled(void) { return disabled != 0; }

void __lsan_ignore_object(const void *p) {
    struct block *const block = rl_block_at(p);
    if (block) block->leak_flags |= flag_ignored;
}

void __lsan_register_root_region(const void *p, size_t size) {
    if (region_count == most_regions) return;
    regions[region_count].begin = (u64)p;
    regions[region_count++].end = (u64)p + size;
}

void __lsan_unregister_root_region(const void *p, size_t size) {
    for (u32 i = 0; i < region_count; i++) {
        if (regions[i].begin != (u64)p || regions[i].end != (u64)p + size) continue;
        regions[i] = regions[--region_count];
        return;
    }
}

// All blocks by address; then the ones whose words are still to be searched.
static struct block **blocks, **waiting;
static u64 block_count, waiting_count;
static u32 mark; // what a found pointer sets

static bool list_blocks(void) {
    u64 count = 0;
    for (u64 at = RL_HEAP_BASE; at < rl_hot.heap_next; at += ((struct block *)at)->bytes, count++)
        if (((struct block *)at)->mark != block_live && ((struct block *)at)->mark != block_freed)
            return false;
    const u64 room = RL_HEAP_BASE + RL_HEAP_SIZE - rl_hot.heap_next;
    if (count * 2 * sizeof(*blocks) + page > room) return false;
    blocks = (struct block **)((rl_hot.heap_next + page) & ~(u64)(page - 1));
    waiting = blocks + count;
    block_count = waiting_count = 0;
    for (u64 at = RL_HEAP_BASE; at < rl_hot.heap_next; at += ((struct block *)at)->bytes) {
        struct block *const block = (struct block *)at;
        block->leak_flags &= flag_ignored;
        blocks[block_count++] = block;
    }
    return true;
}

static u64 memory_of(const struct block *block) { return (u64)block + block->offset; }

static struct block *block_reached_by(u64 address) {
    if (address - RL_HEAP_BASE >= rl_hot.heap_next - RL_HEAP_BASE) return NULL;
    u64 low = 0, high = block_count;
    while (high - low > 1) {
        const u64 middle = (low + high) / 2;
        if ((u64)blocks[middle] <= address)
            low = middle;
        else
            high = middle;
    }
    struct block *const block = blocks[low];
    const u64 offset = address - memory_of(block);
    const bool inside = offset < block->size || (!offset && !block->size);
    return block->mark == block_live && inside ? block : NULL;
}

static void reach(struct block *block) {
    if (block->leak_flags & (mark | flag_reached)) return;
    block->leak_flags |= mark;
    waiting[waiting_count++] = block;
}

static void search(u64 begin, u64 end) {
    for (u64 at = (begin + 7) & ~7ull; at + 8 <= end; at += 8) {
        if (*shadow_of(at)) continue;
        struct block *const block = block_reached_by(*(const u64 *)at);
        if (block) reach(block);
    }
}

static void search_waiting(void) {
    while (waiting_count) {
        const struct block *const block = waiting[--waiting_count];
        search(memory_of(block), memory_of(block) + block->size);
    }
}

// ELF's program headers, in the image that is loaded.
struct program_header {
    u32 type, flags;
    u64 offset, address, physical, file_size, memory_size, alignment;
};
enum { header_load = 1, header_tls = 7, header_writable = 2 };
extern const u8 __executable_start[], _end[];
extern const u8 __start_rl_cold[], __stop_rl_cold[];
WEAK extern const u8 __start___sancov_cntrs[], __stop___sancov_cntrs[];

// Neither counters nor what the runtime records of comparisons are the target's pointers.
static void search_globals(u64 begin, u64 end) {
    const u64 gaps[][2] = {{(u64)__start___sancov_cntrs, (u64)__stop___sancov_cntrs},
                           {(u64)__start_rl_cold, (u64)__stop_rl_cold},
                           {end, end}};
    for (u32 i = 0; i < 3; i++) {
        if (gaps[i][0] < begin || gaps[i][0] > end) continue;
        search(begin, gaps[i][0]);
        begin = gaps[i][1];
    }
}

// The thread pointer's block: variables below it, the C library's record of the thread from it on.
static void search_thread(u64 size, u64 alignment) {
    enum { least_record = 256, largest_record = 2304 };
    u64 pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    const u64 below = (size + (alignment ? alignment : 1) - 1) & ~((alignment ? alignment : 1) - 1);
    const u64 mapped = (pointer + least_record + page - 1) & ~(u64)(page - 1);
    search(pointer - below, pointer + largest_record < mapped ? pointer + largest_record : mapped);
}

static void search_image(void) {
    const u64 table = (u64)__executable_start + *(const u64 *)(__executable_start + 32);
    const u16 count = *(const u16 *)(__executable_start + 56);
    for (u32 i = 0; i < count; i++) {
        const struct program_header *const header = (const struct program_header *)table + i;
        if (header->type == header_load && header->flags & header_writable)
            search_globals(header->address, header->address + header->memory_size);
        if (header->type == header_tls) search_thread(header->memory_size, header->alignment);
    }
}

// The program break holds what a C library takes without malloc, such as the first thread's variables.
static void search_break(void) {
    u64 end;
    __asm__ volatile("syscall" : "=a"(end) : "a"(12), "D"(0) : "rcx", "r11", "memory");
    const u64 image_end = ((u64)_end + page - 1) & ~(u64)(page - 1);
    const u64 begin = end - RL_BREAK_BASE <= RL_BREAK_SIZE ? RL_BREAK_BASE : image_end;
    if (end > begin && end - begin <= RL_BREAK_SIZE) search(begin, end);
}

static void search_roots(u64 stack) {
    search(stack, RL_STACK_TOP);
    search_image();
    search_break();
    rl_each_taken_frame(search);
    if (rl_each_mapping) rl_each_mapping(search);
    for (u32 i = 0; i < region_count; i++) search(regions[i].begin, regions[i].end);
    for (u64 i = 0; i < block_count; i++)
        if (blocks[i]->mark == block_live && blocks[i]->leak_flags & flag_ignored) reach(blocks[i]);
    search_waiting();
}

static bool is_leak(const struct block *block) {
    return block->mark == block_live && !(block->leak_flags & (flag_reached | flag_indirect));
}

// A block that only another leaked block points to is no leak of its own.
static void set_indirect_apart(void) {
    mark = flag_indirect;
    for (u64 i = 0; i < block_count; i++) {
        if (!is_leak(blocks[i])) continue;
        blocks[i]->leak_flags |= flag_reached; // not indirect by itself
        search(memory_of(blocks[i]), memory_of(blocks[i]) + blocks[i]->size);
        search_waiting();
        blocks[i]->leak_flags &= ~(u32)flag_reached;
    }
}

static bool find_leaks(u64 stack) {
    if (!rl_options.detect_leaks || __lsan_is_turned_off() || !list_blocks()) return false;
    mark = flag_reached;
    search_roots(stack);
    set_indirect_apart();
    return true;
}

static bool same_place(const struct block *a, const struct block *b) {
    for (u32 i = 0; i < RL_REPORT_FRAMES; i++)
        if (a->allocated[i] != b->allocated[i]) return false;
    return true;
}

// Blocks that are allocated at one place, by their call stack.
struct rl_leak {
    struct block *block; // the first of them, or null
    u64 blocks, bytes;
};

// The place with this number, from 0.
static struct rl_leak find_leak(u32 number, u64 stack) {
    struct rl_leak leak = {0};
    if (!find_leaks(stack)) return leak;
    for (u64 i = 0; i < block_count; i++) {
        struct block *const first = blocks[i];
        if (!is_leak(first)) continue;
        const bool wanted = number-- == 0;
        if (wanted) leak.block = first;
        for (u64 k = i; k < block_count; k++) {
            if (!is_leak(blocks[k]) || !same_place(first, blocks[k])) continue;
            if (wanted) leak.blocks++, leak.bytes += blocks[k]->size;
            if (blocks[k] != first) blocks[k]->leak_flags |= flag_indirect; // counted
        }
        if (wanted) break;
    }
    return leak;
}

static void report(const struct rl_leak *leak) {
    char line[RL_REPORT_TEXT];
    struct text text = text_in(line, sizeof(line));
    text_unsigned(&text, leak->bytes);
    text_add(&text, " bytes leaked in ");
    text_unsigned(&text, leak->blocks);
    text_add(&text, leak->blocks == 1 ? " block" : " blocks allocated there");
    // The stack of a leak is that of its allocation, which the report contains.
    rl_report_kind((struct site){leak->block->allocated[0], 0, 0}, rl_kind_memory_leak,
                   memory_of(leak->block), leak->bytes, line);
}

// The stack from the caller's frame on, with the registers that a function must keep: they are pushed below
// the frame pointer. The runtime's own frames hold old values.
#define STACK()                                                                                              \
    ({                                                                                                       \
        enum { kept_registers = 5 };                                                                         \
        __builtin_unwind_init();                                                                             \
        (u64) __builtin_frame_address(0) - kept_registers * 8;                                               \
    })

void rl_report_leak(u32 number) {
    const struct rl_leak leak = find_leak(number, STACK());
    if (leak.block) report(&leak);
}

void __lsan_do_leak_check(void) {
    const struct rl_leak leak = find_leak(0, STACK());
    if (leak.block) report(&leak);
}

int __lsan_do_recoverable_leak_check(void) {
    const struct rl_leak leak = find_leak(0, STACK());
    if (leak.block) rl_say("LeakSanitizer: detected memory leaks\n");
    return leak.block != NULL;
}
