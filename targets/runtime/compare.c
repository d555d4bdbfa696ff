// targets/runtime/compare.c — records comparison operands (CmpLog), in the cases that ask for them.
#include "targets/runtime/runtime.h"

enum {
    capacity = 4096,
    places = 4096, // counters per comparison; a hash of its address chooses the counter, so few share one
    most_at_a_place = 8 // otherwise a loop's condition would fill the table
};
COLD static struct rl_comparison comparisons[capacity];
COLD static u8 noted[places];

const u64 rl_comparisons = (u64)comparisons, rl_comparison_capacity = capacity;

void rl_record_comparisons(bool wanted) {
    rl_hot.comparison_count = 0;
    rl_hot.recording = wanted;
    if (wanted) rl_fill(noted, 0, sizeof(noted));
}

static bool is_full(u64 pc) {
    u8 *const count = &noted[(pc ^ pc >> 12) % places];
    return rl_hot.comparison_count >= capacity || *count == most_at_a_place || !++*count;
}

// Equal operands give a mutator nothing to replace.
void rl_note(u64 pc, u64 a, u64 b, u32 size, u32 flags) {
    if (a == b || is_full(pc)) return;
    comparisons[rl_hot.comparison_count++] = (struct rl_comparison){a, b, size, flags};
}

#define HERE ((u64)__builtin_return_address(0))

__attribute__((preserve_most)) void rl_compare(u64 a, u64 b, u32 size) { rl_note(HERE, a, b, size, 0); }

__attribute__((preserve_most)) void rl_compare_constant(u64 constant, u64 b, u32 size) {
    rl_note(HERE, b, constant, size, RL_COMPARISON_CONSTANT);
}

// cases: their number, the value's size in bits, then the constants.
void rl_note_switch(u64 pc, u64 value, const u64 *cases) {
    const u32 size = cases[1] >= 8 ? (u32)cases[1] / 8 : 1;
    const u64 count = cases[0] < 64 ? cases[0] : 64;
    for (u64 i = 0; i < count; i++) // each constant has a counter of its own
        rl_note(pc + i, value, cases[2 + i], size, RL_COMPARISON_CONSTANT);
}

__attribute__((preserve_most)) void rl_compare_switch(u64 value, const u64 *cases) {
    rl_note_switch(HERE, value, cases);
}

// For memcmp and similar functions: the first eight bytes as one number.
void rl_compared(u64 pc, const void *a, const void *b, u64 size) {
    const u32 bytes = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
    u64 left = 0, right = 0;
    for (u32 i = 0; i < bytes && size; i++) {
        left |= (u64)((const u8 *)a)[i] << 8 * i;
        right |= (u64)((const u8 *)b)[i] << 8 * i;
    }
    rl_note(pc, left, right, bytes, 0);
}
