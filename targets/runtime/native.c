// targets/runtime/native.c — what objects of raclette-cc need in an ordinary program, such as a generator
// that a build runs, or a shared library: no budget, no recording. AddressSanitizer's own runtime does the
// rest.
#pragma GCC visibility push(hidden)
#include "targets/runtime/runtime.h"

struct rl_hot rl_hot = {.budget = INT64_MAX};

void rl_edge_limit(void);
void rl_edge_limit(void) {
    for (;;) __builtin_trap();
}

#define NEVER __attribute__((preserve_most)) void
NEVER rl_compare(u64 a, u64 b, u32 size);
NEVER rl_compare(u64 a, u64 b, u32 size) { (void)a, (void)b, (void)size; }
NEVER rl_compare_constant(u64 constant, u64 b, u32 size);
NEVER rl_compare_constant(u64 constant, u64 b, u32 size) { (void)constant, (void)b, (void)size; }
NEVER rl_compare_switch(u64 value, const u64 *cases);
NEVER rl_compare_switch(u64 value, const u64 *cases) { (void)value, (void)cases; }

// Named by every object, though inlined.
void __sanitizer_cov_trace_pc(void) {}
#define COMPARISONS(bytes, type)                                                                             \
    void __sanitizer_cov_trace_cmp##bytes(type a, type b) { (void)a, (void)b; }                              \
    void __sanitizer_cov_trace_const_cmp##bytes(type a, type b) { (void)a, (void)b; }
COMPARISONS(1, u8)
COMPARISONS(2, u16)
COMPARISONS(4, u32)
COMPARISONS(8, u64)
void __sanitizer_cov_trace_switch(u64 value, const u64 *cases) { (void)value, (void)cases; }
