// targets/runtime/runtime.h — declarations shared by the parts of the target's runtime.
//
// The runtime is compiled without instrumentation and without any libc header, so that the same objects link
// against musl and glibc. It must not rely on anything that the target may have overwritten: it uses only its
// own state.
#pragma once

#include "targets/runtime/abi.h"

#include <stdbool.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))
// For large tables that ordinary cases do not write: rl.ld keeps them away from the variables that cases
// write.
#define COLD __attribute__((section(".bss.rl_cold")))

// Shadow values that clang's instrumentation or the runtime writes. A value below 8: so many bytes of the
// granule are addressable.
enum {
    shadow_heap = RL_SHADOW_HEAP,
    shadow_freed = 0xfd,
    shadow_stack_left = 0xf1,
    shadow_stack_middle = 0xf2,
    shadow_stack_right = 0xf3,
    shadow_stack_returned = 0xf5,
    shadow_stack_scope = 0xf8,
    shadow_user = 0xf7,
    shadow_global = 0xf9,
    shadow_array_cookie = 0xac,
    shadow_container = 0xfc,
    shadow_alloca_left = 0xca,
    shadow_alloca_right = 0xcb,
};

// Where what the target prints goes: before the snapshot to the hypervisor; in a case into the buffer, and to
// the hypervisor too if it asked for it.
enum print_at_once { print_into_buffer, print_at_start, print_also_at_once = RL_FLAG_OUTPUT };

// Everything that the runtime writes in an ordinary case. rl.ld puts it in front of the edge counters, on the
// same page, because the hypervisor restores each written page after each case.
struct rl_hot {
    i64 budget; // edges left, with several threads those of the running one's slice; each edge counts it down
    i64 held;   // edges left besides, for later slices: linux/slices.c
    u64 comparison_count;
    u8 recording;     // whether this case records comparison operands
    u8 fill;          // for fresh heap memory
    u8 print_at_once; // enum print_at_once: where what the target prints goes
    u8 hooked;        // whether someone wants to know of each allocation: interface_heap.c
    u8 sliced;        // whether the budget is dealt in slices: there are several threads
    u32 input_length;
    u64 largest_block; // an allocation of more bytes fails
    u64 heap_next;     // end of the last block cut from the untouched part of the arena
    u64 heap_limit;    // up to where blocks are cut before freed ones are used again
    u64 heap_rover;    // where the search for freed blocks continues
    u64 noreturn_pc, noreturn_sp,
        noreturn_bp; // the last call that announced not to return (throw, abort, longjmp)
};
extern struct rl_hot rl_hot;

// A call site in the target.
struct site {
    u64 pc, sp, bp;
};

// The call site of the current function, which must have a frame of its own (the runtime is compiled so).
#define CALLER()                                                                                             \
    ((struct site){(u64)__builtin_return_address(0) - 1, (u64)__builtin_frame_address(0) + 16,               \
                   *(u64 *)__builtin_frame_address(0)})

// hypercall.asm
u64 rl_hypercall(u32 number, u64 first, u64 second);
struct resume {
    u64 length, budget, flags;
};
void rl_snapshot_point(const struct rl_control *control, struct resume *resume);
_Noreturn void rl_out_of_budget(void);

// linux/slices.c
void rl_begin_slice(void);   // of the running thread: deals its part of the budget
void rl_end_slices(void);    // the whole budget is the running thread's, until the next rl_begin_slice
extern u64 rl_schedule_seed; // rl_control::schedule
void rl_spend_held(void);

// report.c
_Noreturn void rl_report_access(struct site site, u64 address, u64 size, enum rl_access access);
_Noreturn void rl_report_kind(struct site site, enum rl_kind kind, u64 address, u64 size, const char *text);
void rl_describe(u64 address);
void rl_describe_address(u64 address); // sets the report's address, region and text
void rl_append(char *text, const char *more);
u32 rl_walk(struct site site, u64 *frames, u32 room); // the call stack, innermost first
bool rl_is_code(u64 pc);
extern struct rl_report rl_report;

// interface_report.c
void rl_tell_report(void); // the target's own callbacks learn of the report before it ends the case

// heap.c: the malloc family's common part. The families are malloc, new and new[].
enum family { family_malloc = 1, family_new, family_new_array };
void *rl_allocate(u64 size, u64 alignment, enum family family, struct site site);
void rl_free(void *p, enum family family, struct site site);
void rl_heap_start(void);
struct block *rl_block_at(const volatile void *p); // whose memory begins there, live or freed; or null
struct block *rl_block_holding(u64 address);       // with its red zones; or null
void rl_record_frames(u32 frames[RL_REPORT_FRAMES], struct site site);

// interface_heap.c: for hooks of the target, called when rl_hot.hooked is set.
void rl_find_hooks(void);
void rl_tell_allocated(const volatile void *p, u64 size);
void rl_tell_freed(const volatile void *p);

// The header at the start of a heap chunk; live or freed, chunks lie end to end from RL_HEAP_BASE to
// heap_next.
struct block {
    u32 mark;  // block_live or block_freed; another value: overwritten by code without instrumentation
    u32 bytes; // of the whole chunk, a multiple of 16
    u32 size;  // as asked for
    u32 family;
    u32 allocated[RL_REPORT_FRAMES], freed[RL_REPORT_FRAMES];
    u32 leak_flags; // leaks.c
    u32 reserved;
    u32 offset;      // of the memory from the chunk's start; with user_mark again in front of memory aligned
                     // further
    u32 memory_mark; // block_memory
};
enum { block_live = 0x4c495645, block_freed = 0x46524545, block_memory = 0x524c4845 };
_Static_assert(sizeof(struct block) == 64, "memory follows its header on a 16-byte boundary");

// memory.c
u64 rl_first_poisoned(u64 address, u64 size);
void rl_copy(void *to, const void *from, u64 size);
void rl_fill(void *to, u8 value, u64 size);
void rl_check(struct site site, const void *at, u64 size, enum rl_access access);

// options.c: what the target asks of its sanitizers.
struct rl_options {
    bool null_when_too_large; // else an allocation that cannot be had is a finding
    bool detect_leaks, dealloc_mismatch, container_overflow, user_poisoning;
    bool halt_on_undefined; // also where the compiler was told that the program may go on
    bool silence_unsigned_overflow;
};
extern struct rl_options rl_options;
void rl_read_options(void);
extern int __asan_option_detect_stack_use_after_return;

// compare.c
void rl_record_comparisons(bool wanted);
void rl_compared(u64 pc, const void *a, const void *b, u64 size);
void rl_note(u64 pc, u64 a, u64 b, u32 size, u32 flags);
void rl_note_switch(u64 pc, u64 value, const u64 *cases);

// globals.c: the global whose bounds or red zone hold this address, or else false.
bool rl_find_global(u64 address, u64 *base, u64 *size, const char **name);

// fake_stack.c: the start of the frame off the real stack that holds this address, or 0.
u64 rl_fake_frame(u64 address);
u64 rl_fake_frame_size(u64 address);

static inline u64 rl_length(const char *text) {
    u64 length = 0;
    while (text[length]) length++;
    return length;
}

static inline u8 *shadow_of(u64 address) { return (u8 *)RL_SHADOW_OF(address); }

// Marks [address, address + size) as addressable; address is a multiple of 8, and the memory behind is
// already poisoned.
static inline void unpoison(u64 address, u64 size) {
    rl_fill(shadow_of(address), 0, size >> 3);
    if (size & 7) *shadow_of(address + size) = (u8)(size & 7);
}

// Behind an instruction that counts down rl_hot.budget: where it is negative then, jumps to `limit` in
// linux/entry.asm, which ends the case or comes back with all registers and flags as they were. In assembly,
// so that the jump splits no basic block and LLVM reserves no registers for a call. It goes to a few bytes
// behind the function, in the function's own section, so that the linker drops both or none.
#define COUNTED_DOWN(limit)                                                                                  \
    "js 1f\n"                                                                                                \
    "2:\n\t"                                                                                                 \
    ".subsection 1\n"                                                                                        \
    "1:\tleaq -128(%%rsp), %%rsp\n\t" /* the function may be a leaf that uses its red zone */                \
    "pushq %%rax\n\t"                                                                                        \
    "leaq 2b(%%rip), %%rax\n\t"                                                                              \
    "jmp " limit "\n\t"                                                                                      \
    ".subsection 0"

// One edge of the target, at which other threads may run.
static inline __attribute__((always_inline)) void pass_edge(void) {
    __asm__ volatile("decq rl_hot(%%rip)\n\t" COUNTED_DOWN("rl_edge_limit")::: "cc");
}
// Long work in the runtime spends the edge budget too; otherwise a loop of calls to it would hardly ever end.
// The runtime's state may be in the middle of a change, so no other thread runs before the next edge.
static inline void spend(u64 steps) {
    __asm__ volatile("subq %0, rl_hot(%%rip)\n\t" COUNTED_DOWN("rl_spend_limit")::"er"(steps) : "cc");
}
_Static_assert(offsetof(struct rl_hot, budget) == 0 && offsetof(struct rl_hot, held) == 8,
               "the assembly above, and linux/entry.asm");
