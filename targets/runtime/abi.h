// targets/runtime/abi.h — the interface between a target in the virtual machine and the hypervisor.
//
// Plain C that also compiles as freestanding C++20: the target's runtime and the kernel include this file.
// Every field is fixed-width and every offset is asserted, because the two sides are compiled in different
// modes. A change of meaning or layout raises RL_ABI_VERSION.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RL_ABI_VERSION 3u

// Memory as the target sees it. The heap, mappings and files lie above the shadow, where AddressSanitizer and
// Linux have them too: there they have room, and a wild pointer such as 0x41414141 hits nothing.
//
//   0x0040_0000       the ELF (static, not position independent)
//   0x0800_0000       program break, 4 MiB
//   0x2000_0000       input arena, 4 MiB; the input begins one page into it, behind a red zone
//   0x2f80_0000       stack, 8 MiB, growing down from 0x3000_0000; the page below it is never mapped
//   0x7fff_8000       AddressSanitizer's shadow: one byte for each eight bytes of the address space
//   0x6020_0000_0000  heap arena, 2 GiB
//   0x7f00_0000_0000  mappings (mmap, stacks of threads), 1 GiB
//   0x7f00_8000_0000  the bytes of files, 256 MiB; first rl_brought_file records that the hypervisor writes
#define RL_ELF_BASE 0x00400000ull
#define RL_BREAK_BASE 0x08000000ull
#define RL_BREAK_SIZE 0x00400000ull
#define RL_HEAP_BASE 0x602000000000ull
#define RL_HEAP_SIZE 0x80000000ull
#define RL_MAPPING_BASE 0x7f0000000000ull
#define RL_MAPPING_SIZE 0x40000000ull
#define RL_FILES_BASE 0x7f0080000000ull
#define RL_FILES_SIZE 0x10000000ull
#define RL_INPUT_BASE 0x20000000ull
#define RL_INPUT_SIZE 0x00400000ull
#define RL_INPUT_START (RL_INPUT_BASE + 4096)
#define RL_INPUT_CAPACITY 0x00200000ull
#define RL_STACK_TOP 0x30000000ull
#define RL_STACK_SIZE 0x00800000ull
#define RL_PATH_SIZE 64ull // of the program's path at the stack's top, which ends with a zero
#define RL_PATH (RL_STACK_TOP - RL_PATH_SIZE)
#define RL_STACK_GUARD_SIZE 0x00100000ull // an access up to this far below the stack is a stack overflow
#define RL_SHADOW_OFFSET 0x7fff8000ull
#define RL_SHADOW_SHIFT 3
#define RL_SHADOW_OF(address) (((address) >> RL_SHADOW_SHIFT) + RL_SHADOW_OFFSET)
#define RL_SHADOW_HEAP                                                                                       \
    0xfau // shadow of unused heap and input memory. A loader gives all of the heap's shadow this value; where
          // it does not, the runtime fills the shadow of the heap's first part only.

// A hypercall is VMMCALL with RAX = RL_HYPERCALL | number and arguments in RDI, RSI, RDX. The result is in
// RAX; all other registers are kept, except that RL_CALL_SNAPSHOT also returns values in RDX and RCX.
#define RL_HYPERCALL 0x524c0000u
#define RL_CALL_SNAPSHOT                                                                                     \
    1u                   // (rl_control *): returns once for each case, RAX length, RDX edge budget, RCX flags
#define RL_CALL_DONE 2u  // (value that LLVMFuzzerTestOneInput returned)
#define RL_CALL_CRASH 3u // (rl_report *)
#define RL_CALL_TIMEOUT 4u   // (address): the edge budget is used up, at the code that this address is behind
#define RL_CALL_PRINT 5u     // (text, length): for the log
#define RL_CALL_DESCRIBED 6u // (rl_report *): the answer of rl_control::describe
#define RL_CALL_MUTATED 13u  // (rl_mutants *): the answer of a case with RL_FLAG_MUTATE

// For the library that answers Linux's system calls (targets/runtime/linux/).
#define RL_CALL_SET_FS 7u // (base): of thread-local storage; returns 1 where WRFSBASE works in ring 3
#define RL_CALL_PROTECT                                                                                      \
    8u // (address | RL_RIGHT_*, size): whole pages; returns 0 or a negative error number of Linux
#define RL_CALL_REFUSED 9u   // (rl_refused *): a system call that got an error because nothing answers it
#define RL_CALL_EXIT 10u     // (status): the target ends
#define RL_CALL_SIGNAL 11u   // (number): a signal without a handler ends the target
#define RL_CALL_DEADLOCK 12u // (rl_deadlock *): every thread waits, and no time-out or alarm will wake one

#define RL_RIGHT_READ 1u
#define RL_RIGHT_WRITE 2u
#define RL_RIGHT_EXECUTE 4u

#define RL_FLAG_COMPARISONS 1u // record comparison operands in this case
#define RL_FLAG_OUTPUT 2u      // give the hypervisor what the target prints at once
#define RL_FLAG_MUTATE                                                                                       \
    4u // the input begins with an rl_mutation: the target's own mutator runs, not the harness
#define RL_FLAG_FILL_SHIFT 8 // bits 15..8: the byte that fills fresh heap memory
#define RL_FLAG_LEAK_SHIFT                                                                                   \
    16 // bits 23..16: when not 0, the case ends with its leak of this number, from 1, as a finding
#define RL_DEFAULT_FILL 0xbeu // as AddressSanitizer does

#define RL_CONTROL_MAGIC 0x5445475241544c52ull // "RLTARGET" in memory order

struct rl_comparison {
    uint64_t a, b;
    uint32_t size;  // of each operand in bytes: 1, 2, 4 or 8
    uint32_t flags; // RL_COMPARISON_CONSTANT
};
#define RL_COMPARISON_CONSTANT 1u // b is a constant of the program

struct rl_edge_pc { // one element of rl_control::pcs
    uint64_t pc;    // 1 where the compiler has merged the block into another
    uint64_t flags; // bit 0: the entry block of a function
};

struct rl_refused { // a system call that nothing answers
    uint64_t number, arguments[6];
    uint64_t rip; // behind the SYSCALL
    int64_t error;
    uint64_t sp, bp;
};

// The threads that wait in a deadlock, the last one to do so first. `pc` is behind the SYSCALL.
#define RL_DEADLOCK_THREADS 16
struct rl_waiting {
    uint64_t id, pc, sp, bp;
};
struct rl_deadlock {
    uint64_t count;
    struct rl_waiting threads[RL_DEADLOCK_THREADS];
};

// A file that the target brings, at RL_FILES_BASE: this, the path, the bytes; each of the three on a multiple
// of 16. The path is absolute; one that ends with a slash is a directory's. A path_length of 0 ends the list.
struct rl_brought_file {
    uint64_t path_length, size;
};

// The last bytes that the target printed in a case.
struct rl_output {
    uint64_t printed; // in all; the last one is at text[(printed - 1) % sizeof(text)]
    uint8_t text[4096];
};
// What the target's own mutator is asked for. Behind it in the input: the bytes to mutate, another input of
// the corpus, tokens (each a byte with its size, then so many bytes).
struct rl_mutation {
    uint64_t seed;
    uint32_t count;   // of mutants wanted
    uint32_t max_len; // of one mutant
    uint32_t room;    // for all mutants, with four bytes before each
    uint32_t size, other_size, tokens_size;
};

// Each mutant: its size in four bytes, then its bytes.
struct rl_mutants {
    uint64_t at, size;
};

#define RL_ABILITY_MUTATE 1u     // the target has LLVMFuzzerCustomMutator
#define RL_ABILITY_CROSS_OVER 2u // the target has LLVMFuzzerCustomCrossOver

// The control block, passed at the snapshot point; lives as long as the target.
struct rl_control {
    uint64_t magic;
    uint32_t version;
    uint32_t size;
    uint64_t input, input_capacity;
    uint64_t counters, counter_count; // one byte for each edge, all zero at the snapshot point
    uint64_t pcs;                     // struct rl_edge_pc[counter_count], or 0
    uint64_t budget;                  // address of two int64_t whose sum is what is left of the edge budget
    uint64_t comparisons, comparison_capacity;
    uint64_t comparison_count; // address of a uint64_t
    uint64_t describe;         // void (uint64_t address): fills the report and makes RL_CALL_DESCRIBED
    uint64_t describe_stack;   // RSP for describe, as at a function's entry; 16 KiB below it are free
    uint64_t report;           // the rl_report that describe fills
    uint64_t output;           // the rl_output, or 0
    uint64_t abilities;        // RL_ABILITY_*
    uint64_t schedule;         // address of the uint64_t that the lengths of threads' slices are made from
    char target[32];
};

// The kind of a crash, with AddressSanitizer's name where it has one.
enum rl_kind {
    rl_kind_none,
    rl_kind_heap_buffer_overflow, // also for the input, with rl_region_input
    rl_kind_heap_use_after_free,
    rl_kind_stack_buffer_overflow,
    rl_kind_stack_buffer_underflow,
    rl_kind_stack_use_after_return,
    rl_kind_stack_use_after_scope,
    rl_kind_dynamic_stack_buffer_overflow,
    rl_kind_global_buffer_overflow,
    rl_kind_container_overflow,
    rl_kind_use_after_poison,
    rl_kind_unknown_poison,
    rl_kind_double_free,
    rl_kind_invalid_free,
    rl_kind_alloc_dealloc_mismatch,
    rl_kind_bad_alloc_size,
    rl_kind_negative_size,
    rl_kind_param_overlap,
    rl_kind_abort,
    rl_kind_assertion_failure,
    rl_kind_uncaught_exception,
    rl_kind_exit,
    rl_kind_deadlock,
    rl_kind_memory_leak,
    rl_kind_undefined_behaviour,
    rl_kind_out_of_memory, // the heap is used up: the case ends as out of memory, not as a crash
    // Processor exceptions: the hypervisor chooses among these and calls describe for the address.
    rl_kind_null_dereference,
    rl_kind_wild_access,
    rl_kind_stack_overflow,
    rl_kind_division_error,
    rl_kind_illegal_instruction,
    rl_kind_breakpoint,
    rl_kind_other_exception,
    rl_kind_count
};

// What the address belongs to.
enum rl_region {
    rl_region_none,
    rl_region_heap_live,
    rl_region_heap_freed,
    rl_region_heap_red_zone, // of the block at region_base; it is freed when free_frames are set
    rl_region_heap_unused,   // in the arena, near no block
    rl_region_stack,
    rl_region_stack_guard,
    rl_region_global,
    rl_region_input,
    rl_region_image, // in the ELF, but not an instrumented global
    rl_region_shadow,
    rl_region_null_page,
    rl_region_wild,
    rl_region_count
};

enum rl_access { rl_access_none, rl_access_read, rl_access_write };

#define RL_REPORT_FRAMES 4
#define RL_REPORT_TEXT 256

struct rl_report {
    uint32_t kind;   // enum rl_kind
    uint32_t access; // enum rl_access
    uint64_t pc, sp,
        bp; // of the target's code, not of the runtime; pc lies inside the faulty (or calling) instruction
    uint64_t address, size;
    uint32_t region; // enum rl_region
    uint32_t reserved;
    uint64_t region_base, region_size;
    int64_t offset; // address - region_base
    uint64_t alloc_frames[RL_REPORT_FRAMES],
        free_frames[RL_REPORT_FRAMES]; // innermost first, 0 where there is none
    char text[RL_REPORT_TEXT];         // for people: a variable's name, an assertion; always ended by a zero
};

static inline const char *rl_kind_name(uint32_t kind) {
    static const char *const names[] = {
        "none",
        "heap-buffer-overflow",
        "heap-use-after-free",
        "stack-buffer-overflow",
        "stack-buffer-underflow",
        "stack-use-after-return",
        "stack-use-after-scope",
        "dynamic-stack-buffer-overflow",
        "global-buffer-overflow",
        "container-overflow",
        "use-after-poison",
        "unknown-poison",
        "double-free",
        "invalid-free",
        "alloc-dealloc-mismatch",
        "bad-alloc-size",
        "negative-size",
        "param-overlap",
        "abort",
        "assertion-failure",
        "uncaught-exception",
        "exit",
        "deadlock",
        "memory-leak",
        "undefined-behaviour",
        "out-of-memory",
        "null-dereference",
        "wild-access",
        "stack-overflow",
        "division-error",
        "illegal-instruction",
        "breakpoint",
        "other-exception",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == rl_kind_count, "every kind has a name");
    return kind < rl_kind_count ? names[kind] : "unknown";
}

static inline const char *rl_region_name(uint32_t region) {
    static const char *const names[] = {
        "nothing known",
        "live heap block",
        "freed heap block",
        "red zone of a heap block",
        "unused heap memory",
        "stack",
        "stack guard",
        "global variable",
        "input",
        "program image",
        "shadow",
        "null page",
        "wild",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == rl_region_count, "every region has a name");
    return region < rl_region_count ? names[region] : "unknown";
}

static inline const char *rl_access_name(uint32_t access) {
    static const char *const names[] = {"", "read", "write"};
    return access <= rl_access_write ? names[access] : "unknown";
}

// UBSan's traps are UD1 with the number of the check as the displacement of its operand: 67 0f b9 40 NN, and
// 67 0f b9 00 for the first. The numbers are clang 14's SanitizerHandler.
static inline const char *rl_undefined_name(uint32_t check) {
    static const char *const names[] = {
        "add-overflow",
        "unreachable",
        "cfi-check-fail",
        "divrem-overflow",
        "dynamic-type-cache-miss",
        "float-cast-overflow",
        "function-type-mismatch",
        "implicit-conversion",
        "invalid-builtin",
        "invalid-objc-cast",
        "load-invalid-value",
        "missing-return",
        "mul-overflow",
        "negate-overflow",
        "nullability-arg",
        "nullability-return",
        "nonnull-arg",
        "nonnull-return",
        "out-of-bounds",
        "pointer-overflow",
        "shift-out-of-bounds",
        "sub-overflow",
        "type-mismatch",
        "alignment-assumption",
        "vla-bound-not-positive",
    };
    return check < sizeof(names) / sizeof(names[0]) ? names[check] : "undefined behaviour";
}

_Static_assert(sizeof(struct rl_mutation) == 32, "rl_mutation");
_Static_assert(sizeof(struct rl_comparison) == 24, "rl_comparison");
_Static_assert(sizeof(struct rl_edge_pc) == 16, "rl_edge_pc");
_Static_assert(offsetof(struct rl_control, version) == 8, "rl_control.version");
_Static_assert(offsetof(struct rl_control, input) == 16, "rl_control.input");
_Static_assert(offsetof(struct rl_control, counters) == 32, "rl_control.counters");
_Static_assert(offsetof(struct rl_control, pcs) == 48, "rl_control.pcs");
_Static_assert(offsetof(struct rl_control, budget) == 56, "rl_control.budget");
_Static_assert(offsetof(struct rl_control, comparisons) == 64, "rl_control.comparisons");
_Static_assert(offsetof(struct rl_control, comparison_count) == 80, "rl_control.comparison_count");
_Static_assert(offsetof(struct rl_control, describe) == 88, "rl_control.describe");
_Static_assert(offsetof(struct rl_control, describe_stack) == 96, "rl_control.describe_stack");
_Static_assert(offsetof(struct rl_control, report) == 104, "rl_control.report");
_Static_assert(offsetof(struct rl_control, output) == 112, "rl_control.output");
_Static_assert(offsetof(struct rl_control, abilities) == 120, "rl_control.abilities");
_Static_assert(offsetof(struct rl_control, schedule) == 128, "rl_control.schedule");
_Static_assert(offsetof(struct rl_control, target) == 136, "rl_control.target");
_Static_assert(sizeof(struct rl_control) == 168, "rl_control");
_Static_assert(sizeof(struct rl_refused) == 88, "rl_refused");
_Static_assert(sizeof(struct rl_deadlock) == 8 + 32 * RL_DEADLOCK_THREADS, "rl_deadlock");
_Static_assert(offsetof(struct rl_report, pc) == 8, "rl_report.pc");
_Static_assert(offsetof(struct rl_report, address) == 32, "rl_report.address");
_Static_assert(offsetof(struct rl_report, region) == 48, "rl_report.region");
_Static_assert(offsetof(struct rl_report, region_base) == 56, "rl_report.region_base");
_Static_assert(offsetof(struct rl_report, offset) == 72, "rl_report.offset");
_Static_assert(offsetof(struct rl_report, alloc_frames) == 80, "rl_report.alloc_frames");
_Static_assert(offsetof(struct rl_report, free_frames) == 112, "rl_report.free_frames");
_Static_assert(offsetof(struct rl_report, text) == 144, "rl_report.text");
_Static_assert(sizeof(struct rl_report) == 400, "rl_report");
_Static_assert((RL_HEAP_BASE >> RL_SHADOW_SHIFT) % 4096 == 0, "an arena's shadow begins on a page");
_Static_assert(RL_STACK_TOP <= RL_SHADOW_OFFSET, "the stack lies below the shadow");
_Static_assert(RL_INPUT_CAPACITY <= RL_INPUT_SIZE - 2 * 4096, "a red zone lies on both sides of an input");
