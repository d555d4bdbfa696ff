// targets/runtime/report.c — makes the report of an access to a poisoned address: the access, and what the
// address belongs to.
#include "targets/runtime/runtime.h"

COLD struct rl_report rl_report;
extern const char __executable_start[], _etext[], _end[];
WEAK extern const struct rl_edge_pc __start___sancov_pcs[], __stop___sancov_pcs[];

enum { // clang writes the first at the bottom of each frame with red zones, the second when the function
       // returns
    frame_magic = 0x41b58ab3,
    returned_magic = 0x45e0360e,
};

void rl_append(char *text, const char *more) {
    u32 at = 0;
    while (at < RL_REPORT_TEXT - 1 && text[at]) at++;
    while (at < RL_REPORT_TEXT - 1 && *more) text[at++] = *more++;
    text[at] = 0;
}

static void set_region(enum rl_region region, u64 base, u64 size) {
    rl_report.region = region;
    rl_report.region_base = base;
    rl_report.region_size = size;
    rl_report.offset = (i64)(rl_report.address - base);
}

static u64 distance(u64 address, u64 base, u64 size) {
    if (address < base) return base - address;
    return address < base + size ? 0 : address - (base + size) + 1;
}

static bool is_block(const struct block *block) {
    return (block->mark == block_live || block->mark == block_freed) && block->bytes >= sizeof(*block) + 16;
}

// The block nearest to the address; of two equally near the lower one, since overflows are more common.
static struct block *nearest_block(u64 address, u64 *distance_to_it) {
    struct block *nearest = NULL;
    u64 best = UINT64_MAX;
    for (u64 at = RL_HEAP_BASE; at + sizeof(struct block) < rl_hot.heap_next;) {
        struct block *const block = (struct block *)at;
        if (!is_block(block)) break;
        const u64 away = distance(address, at + block->offset, block->size);
        if (block->allocated[0] && away < best) {
            best = away;
            nearest = block;
        }
        at += block->bytes;
    }
    *distance_to_it = best;
    return nearest;
}

struct block *rl_block_holding(u64 address) {
    u64 away;
    if (address - RL_HEAP_BASE >= RL_HEAP_SIZE) return NULL;
    return nearest_block(address, &away);
}

static void describe_heap(u64 address) {
    u64 best;
    const struct block *const nearest = nearest_block(address, &best);
    if (!nearest) return set_region(rl_region_heap_unused, RL_HEAP_BASE, RL_HEAP_SIZE);
    const bool live = nearest->mark == block_live;
    const enum rl_region region = best   ? rl_region_heap_red_zone
                                  : live ? rl_region_heap_live
                                         : rl_region_heap_freed;
    set_region(region, (u64)nearest + nearest->offset, nearest->size);
    for (u32 i = 0; i < RL_REPORT_FRAMES; i++) {
        rl_report.alloc_frames[i] = nearest->allocated[i];
        rl_report.free_frames[i] = live ? 0 : nearest->freed[i];
    }
}

static const char *parse_number(const char *at, u64 *value) {
    for (*value = 0; *at >= '0' && *at <= '9'; at++) *value = *value * 10 + (u64)(*at - '0');
    return *at == ' ' ? at + 1 : at;
}

// A frame's description: the number of variables, then for each one its offset, size, length of its name, and
// the name.
static void describe_variable(u64 frame, const char *at, u64 address) {
    u64 count, best = UINT64_MAX;
    at = parse_number(at, &count);
    for (u64 i = 0; i < count && i < 1000; i++) {
        u64 offset, size, length;
        at = parse_number(parse_number(parse_number(at, &offset), &size), &length);
        const u64 away = distance(address, frame + offset, size);
        if (away < best) {
            best = away;
            set_region(rl_region_stack, frame + offset, size);
            rl_fill(rl_report.text, 0, RL_REPORT_TEXT);
            rl_append(rl_report.text, "variable ");
            for (u64 c = 0; c < length && c < 64; c++) rl_append(rl_report.text, (char[2]){at[c], 0});
        }
        at += length + (at[length] == ' ');
    }
}

// Searches downwards from a poisoned address to the frame's left red zone, at whose bottom is the pointer to
// the description.
static void describe_stack(u64 address) {
    const u64 bottom = RL_STACK_TOP - RL_STACK_SIZE;
    set_region(rl_region_stack, bottom, RL_STACK_SIZE);
    const u64 fake = rl_fake_frame(address);
    if (fake && (*(const u64 *)fake == frame_magic || *(const u64 *)fake == returned_magic))
        return describe_variable(fake, ((const char *const *)fake)[1], address);
    if (fake || !rl_first_poisoned(address, 1)) return;
    u64 at = address & ~7ull;
    while (at > bottom && *shadow_of(at) != shadow_stack_left) at -= 8;
    while (at > bottom && *shadow_of(at) == shadow_stack_left) at -= 8;
    at += 8;
    if (at > bottom + 8 && *(const u64 *)at == frame_magic)
        describe_variable(at, ((const char *const *)at)[1], address);
}

static void describe_image(u64 address) {
    u64 base, size;
    const char *name;
    set_region(rl_region_image, (u64)__executable_start, (u64)(_end - __executable_start));
    if (!rl_find_global(address, &base, &size, &name)) return;
    set_region(rl_region_global, base, size);
    rl_append(rl_report.text, "global ");
    rl_append(rl_report.text, name);
}

void rl_describe_address(u64 address) {
    const u64 stack = RL_STACK_TOP - RL_STACK_SIZE;
    rl_report.address = address;
    if (address < 65536) return set_region(rl_region_null_page, 0, 65536);
    if (address - RL_HEAP_BASE < RL_HEAP_SIZE) return describe_heap(address);
    if (address - RL_INPUT_BASE < RL_INPUT_SIZE)
        return set_region(rl_region_input, RL_INPUT_START, rl_hot.input_length);
    if (address - stack < RL_STACK_SIZE || rl_fake_frame(address)) return describe_stack(address);
    if (stack - address <= RL_STACK_GUARD_SIZE)
        return set_region(rl_region_stack_guard, stack, RL_STACK_SIZE);
    if (address >= (u64)__executable_start && address < (u64)_end) return describe_image(address);
    const u64 shadowed = (address - RL_SHADOW_OFFSET)
                         << RL_SHADOW_SHIFT; // a large frame's red zones come first
    if (stack - shadowed <= RL_STACK_GUARD_SIZE)
        return set_region(rl_region_stack_guard, stack, RL_STACK_SIZE);
    if (address - RL_SHADOW_OFFSET < 1ull << 44)
        return set_region(rl_region_shadow, RL_SHADOW_OFFSET, 1ull << 44);
    set_region(rl_region_wild, 0, 0);
}

// The hypervisor calls this after a processor exception, on a stack of its own.
void rl_describe(u64 address) {
    rl_fill(&rl_report, 0, sizeof(rl_report));
    rl_describe_address(address);
    const enum rl_region region = (enum rl_region)rl_report.region;
    rl_report.kind = region == rl_region_null_page     ? rl_kind_null_dereference
                     : region == rl_region_stack_guard ? rl_kind_stack_overflow
                                                       : rl_kind_wild_access;
    rl_hypercall(RL_CALL_DESCRIBED, (u64)&rl_report, 0);
    __builtin_trap();
}

// The shadow of a partly addressable granule does not give the reason; the next granule's does.
static enum rl_kind kind_of(u64 address) {
    const u8 *shadow = shadow_of(address);
    if (*shadow < 0x80 && *shadow) shadow++;
    switch (*shadow) {
    case shadow_heap:
        return rl_kind_heap_buffer_overflow;
    case shadow_freed:
        return rl_kind_heap_use_after_free;
    case shadow_stack_left:
        return rl_kind_stack_buffer_underflow;
    case shadow_stack_middle:
    case shadow_stack_right:
        return rl_kind_stack_buffer_overflow;
    case shadow_stack_returned:
        return rl_kind_stack_use_after_return;
    case shadow_stack_scope:
        return rl_kind_stack_use_after_scope;
    case shadow_alloca_left:
    case shadow_alloca_right:
        return rl_kind_dynamic_stack_buffer_overflow;
    case shadow_global:
        return rl_kind_global_buffer_overflow;
    case shadow_container:
        return rl_kind_container_overflow;
    case shadow_user:
        return rl_kind_use_after_poison;
    case shadow_array_cookie:
        return rl_kind_heap_buffer_overflow;
    default:
        return rl_kind_unknown_poison;
    }
}

// The bounds of the target's own code, from its edges: the linker places it in one piece.
static bool is_instrumented(u64 pc) {
    static u64 low = UINT64_MAX, high;
    if (!high)
        for (const struct rl_edge_pc *e = __start___sancov_pcs; e < __stop___sancov_pcs; e++) {
            if (e->pc < low && e->pc >= RL_ELF_BASE) low = e->pc;
            if (e->pc > high) high = e->pc;
        }
    return pc >= low && pc <= high;
}

static bool is_on_stack(u64 at, u64 above) { return at > above && at <= RL_STACK_TOP - 16 && at % 8 == 0; }

// Whether this word is a return address into the target. A direct call must lead into a library, which skips
// old return addresses on the stack; the destination of an indirect call is not known.
static bool returns_from_library(u64 word, bool direct) {
    if (!is_instrumented(word)) return false;
    const u8 *const end = (const u8 *)word;
    if (direct) return end[-5] == 0xe8 && !is_instrumented(word + (u64)(i64) * (const int *)(end - 4));
    return (end[-2] == 0xff && (end[-1] >> 3 & 7) == 2) || (end[-3] == 0xff && (end[-2] >> 3 & 7) == 2);
}

// Library functions have no frame pointers. When the bug is detected inside one, searches the call from the
// target, so that the report names the target's own function: the return address and the frame pointer saved
// below it.
static struct site in_target(struct site site) {
    if (is_instrumented(site.pc) || !is_on_stack(site.sp, RL_STACK_TOP - RL_STACK_SIZE)) return site;
    for (u32 pass = 0; pass < 2; pass++) {
        for (u64 at = site.sp; at < RL_STACK_TOP - 16; at += 8) {
            const u64 word = *(const u64 *)at;
            if (!returns_from_library(word, !pass)) continue;
            u64 bp = site.bp;
            for (u64 below = site.sp; !is_on_stack(bp, at) && below < at; below += 8)
                bp = *(const u64 *)below;
            return (struct site){word - 1, at + 8, bp};
        }
    }
    return site;
}

bool rl_is_code(u64 pc) { return pc >= (u64)__executable_start && pc < (u64)_etext; }

// By frame pointers; the site may lie in a library, which has none.
u32 rl_walk(struct site site, u64 *frames, u32 room) {
    site = in_target(site);
    u32 count = 0;
    u64 bp = site.bp;
    for (u64 pc = site.pc; count < room && rl_is_code(pc); count++) {
        frames[count] = pc;
        if (!is_on_stack(bp, RL_STACK_TOP - RL_STACK_SIZE - 1)) return count + 1;
        const u64 *const frame = (const u64 *)bp;
        pc = frame[1] - 1;
        if (frame[0] <= bp)
            bp = 0;
        else
            bp = frame[0];
    }
    return count;
}

// A second report comes from a callback that the first one called: the case ends with the first.
static bool is_second(void) {
    static bool reporting;
    const bool second = reporting;
    reporting = true;
    return second;
}

static _Noreturn void stop(void) {
    rl_hypercall(RL_CALL_CRASH, (u64)&rl_report, 0);
    __builtin_trap();
}

static _Noreturn void send(struct site site, enum rl_kind kind, enum rl_access access, u64 size) {
    site = in_target(site);
    rl_report.kind = kind;
    rl_report.access = access;
    rl_report.pc = site.pc;
    rl_report.sp = site.sp;
    rl_report.bp = site.bp;
    rl_report.size = size;
    rl_end_slices(); // the target's callbacks let no other thread run
    rl_tell_report();
    stop();
}

// clang reports the start of an access of several bytes; its first poisoned byte decides the kind.
void rl_report_access(struct site site, u64 address, u64 size, enum rl_access access) {
    const u64 bad = rl_first_poisoned(address, size);
    if (is_second()) stop();
    rl_fill(&rl_report, 0, sizeof(rl_report));
    rl_describe_address(address);
    send(site, bad ? kind_of(bad) : rl_kind_unknown_poison, access, size);
}

void rl_report_kind(struct site site, enum rl_kind kind, u64 address, u64 size, const char *text) {
    if (is_second()) stop();
    rl_fill(&rl_report, 0, sizeof(rl_report));
    if (address) rl_describe_address(address);
    rl_report.text[0] = 0;
    rl_append(rl_report.text, text);
    send(site, kind, rl_access_none, size);
}
