// targets/runtime/callbacks.c — what objects call that another compiler's options have instrumented: clang's
// -fsanitize=fuzzer-no-link, trace-pc without edges.c, and checks that may go on after a report.
//
// Such objects count edges inline and spend no budget there, so a callback passes an edge of it: a loop that
// compares or calls through pointers ends.
#include "targets/runtime/runtime.h"

#define HERE ((u64)__builtin_return_address(0) - 1)

void __sanitizer_cov_trace_pc(void) { pass_edge(); }
void __sanitizer_cov_trace_pc_indir(u64 callee) { (void)callee, pass_edge(); }
void __sanitizer_cov_trace_pc_guard(u32 *guard) { (void)guard, pass_edge(); }
void __sanitizer_cov_trace_pc_guard_init(u32 *start, u32 *stop) { (void)start, (void)stop; }
void __sanitizer_cov_bool_flag_init(bool *start, bool *stop) { (void)start, (void)stop; }
void __sanitizer_cov_trace_gep(u64 index) { (void)index; }

static inline void compared(u64 pc, u64 a, u64 b, u32 size, u32 flags) {
    pass_edge();
    if (UNLIKELY(rl_hot.recording)) rl_note(pc, a, b, size, flags);
}

#define COMPARISONS(bytes, type)                                                                             \
    void __sanitizer_cov_trace_cmp##bytes(type a, type b) { compared(HERE, a, b, bytes, 0); }                \
    void __sanitizer_cov_trace_const_cmp##bytes(type constant, type b) {                                     \
        compared(HERE, b, constant, bytes, RL_COMPARISON_CONSTANT);                                          \
    }
COMPARISONS(1, u8)
COMPARISONS(2, u16)
COMPARISONS(4, u32)
COMPARISONS(8, u64)

void __sanitizer_cov_trace_switch(u64 value, const u64 *cases) {
    pass_edge();
    if (UNLIKELY(rl_hot.recording)) rl_note_switch(HERE, value, cases);
}

// A divisor that reaches zero is worth finding.
void __sanitizer_cov_trace_div4(u32 divisor) { compared(HERE, divisor, 0, 4, RL_COMPARISON_CONSTANT); }
void __sanitizer_cov_trace_div8(u64 divisor) { compared(HERE, divisor, 0, 8, RL_COMPARISON_CONSTANT); }

#define MEMORY(bytes)                                                                                        \
    void __sanitizer_cov_load##bytes(const void *at) { (void)at; }                                           \
    void __sanitizer_cov_store##bytes(const void *at) { (void)at; }
MEMORY(1)
MEMORY(2)
MEMORY(4)
MEMORY(8)
MEMORY(16)

// The lowest stack pointer of a thread, kept by -fsanitize-coverage=stack-depth. A high value would cost each
// case the writes that lower it; at 0 there is nothing to lower.
_Thread_local u64 __sancov_lowest_stack = 0;

// -fsanitize-recover=address: the case ends at the first report all the same.
#define ACCESS(size)                                                                                         \
    void __asan_report_load##size##_noabort(u64 at) {                                                        \
        rl_report_access(CALLER(), at, size, rl_access_read);                                                \
    }                                                                                                        \
    void __asan_report_store##size##_noabort(u64 at) {                                                       \
        rl_report_access(CALLER(), at, size, rl_access_write);                                               \
    }                                                                                                        \
    void __asan_load##size##_noabort(u64 at) { rl_check(CALLER(), (void *)at, size, rl_access_read); }       \
    void __asan_store##size##_noabort(u64 at) { rl_check(CALLER(), (void *)at, size, rl_access_write); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_report_load_n_noabort(u64 at, u64 size) { rl_report_access(CALLER(), at, size, rl_access_read); }
void __asan_report_store_n_noabort(u64 at, u64 size) {
    rl_report_access(CALLER(), at, size, rl_access_write);
}
void __asan_loadN_noabort(u64 at, u64 size) { rl_check(CALLER(), (void *)at, size, rl_access_read); }
void __asan_storeN_noabort(u64 at, u64 size) { rl_check(CALLER(), (void *)at, size, rl_access_write); }

// -fsanitize=pointer-compare,pointer-subtract: not checked.
void __sanitizer_ptr_cmp(u64 a, u64 b) { (void)a, (void)b; }
void __sanitizer_ptr_sub(u64 a, u64 b) { (void)a, (void)b; }

// Read by code compiled for a shadow whose place is known only at run time.
u64 __asan_shadow_memory_dynamic_address = RL_SHADOW_OFFSET;

// -fsanitize-address-field-padding
void __asan_poison_intra_object_redzone(u64 at, u64 size) { rl_fill(shadow_of(at), shadow_user, size >> 3); }
void __asan_unpoison_intra_object_redzone(u64 at, u64 size) { rl_fill(shadow_of(at), 0, size >> 3); }
