// targets/runtime/compare.c — notes comparison operands, in the cases that ask for them.
#include "targets/runtime/runtime.h"

enum { capacity = 4096 };
COLD static struct rl_comparison comparisons[capacity];

const u64 rl_comparisons = (u64)comparisons, rl_comparison_capacity = capacity;

// Equal operands teach a mutator nothing; what does not fit is dropped, so early comparisons win.
void rl_note_comparison(u64 a, u64 b, u32 size, u32 flags) {
    if (a == b || rl_hot.comparison_count >= capacity) return;
    comparisons[rl_hot.comparison_count++] = (struct rl_comparison){a, b, size, flags};
}

__attribute__((preserve_most)) void rl_compare(u64 a, u64 b, u32 size) { rl_note_comparison(a, b, size, 0); }

__attribute__((preserve_most)) void rl_compare_constant(u64 constant, u64 b, u32 size) {
    rl_note_comparison(b, constant, size, RL_COMPARISON_CONSTANT);
}

// cases: how many, how many bits the value has, then each.
__attribute__((preserve_most)) void rl_compare_switch(u64 value, const u64 *cases) {
    const u32 size = (u32)cases[1] / 8;
    const u64 count = cases[0] < 64 ? cases[0] : 64;
    for (u64 i = 0; i < count; i++)
        rl_note_comparison(value, cases[2 + i], size ? size : 1, RL_COMPARISON_CONSTANT);
}

// For memcmp and its like: the first eight bytes as one number.
void rl_compared(const void *a, const void *b, u64 size) {
    const u32 bytes = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
    u64 left = 0, right = 0;
    for (u32 i = 0; i < bytes && size; i++) {
        left |= (u64)((const u8 *)a)[i] << 8 * i;
        right |= (u64)((const u8 *)b)[i] << 8 * i;
    }
    rl_note_comparison(left, right, bytes, 0);
}
