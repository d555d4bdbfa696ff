// targets/runtime/mutator.c — runs LLVMFuzzerCustomMutator and LLVMFuzzerCustomCrossOver.
//
// In a run of its own, that ends before the harness: what a mutator leaves in the heap, in variables and in
// the counters is gone when its mutants run, so that a mutant that is kept does the same again as a plain
// input. One run makes several mutants, since each costs an exit and a reset.
#include "targets/runtime/mutator.h"

WEAK size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned seed);
WEAK size_t LLVMFuzzerCustomCrossOver(const u8 *data, size_t size, const u8 *other, size_t other_size,
                                      u8 *out, size_t out_size, unsigned seed);

enum {
    chain = 5
}; // mutations on top of each other before the next one starts from the input, as libFuzzer's depth

u64 rl_mutator_abilities(void) {
    return (LLVMFuzzerCustomMutator ? RL_ABILITY_MUTATE : 0) |
           (LLVMFuzzerCustomCrossOver ? RL_ABILITY_CROSS_OVER : 0);
}

// A block of this size that begins with these bytes. It ends with a red zone, so that a mutator that writes
// too much is found.
static u8 *block_with(const u8 *bytes, u64 size, u64 room) {
    u8 *const block = rl_allocate(room ? room : 1, 16, family_malloc, CALLER());
    if (block) rl_copy(block, bytes, size);
    return block;
}

struct state {
    const struct rl_mutation *asked;
    const u8 *input, *other;
    u8 *work, *last; // the mutator works in the first; the second keeps what it started from
    u64 last_size;
};

// The new size of what is in `work`; 0 or more than max_len when the mutator made nothing.
static u64 mutate_once(const struct state *s) {
    const u32 max = s->asked->max_len, seed = (u32)rl_random();
    const bool cross = LLVMFuzzerCustomCrossOver && s->other && (!LLVMFuzzerCustomMutator || rl_random() % 2);
    if (cross)
        return LLVMFuzzerCustomCrossOver(s->last, s->last_size, s->other, s->asked->other_size, s->work, max,
                                         seed);
    rl_copy(s->work, s->last, s->last_size);
    return LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(s->work, s->last_size, max, seed) : 0;
}

static void start_from(struct state *s, const u8 *bytes, u64 size) {
    rl_copy(s->last, bytes, size);
    s->last_size = size;
}

static u64 make_mutants(struct state *s, u8 *out) {
    u64 used = 0;
    for (u32 i = 0; i < s->asked->count; i++) {
        if (i % chain == 0) start_from(s, s->input, s->asked->size);
        const u64 size = mutate_once(s);
        if (!size || size > s->asked->max_len) continue;
        if (used + 4 + size > s->asked->room) break;
        const u32 header = (u32)size;
        rl_copy(out + used, &header, 4);
        rl_copy(out + used + 4, s->work, size);
        used += 4 + size;
        start_from(s, s->work, size);
    }
    return used;
}

void rl_run_mutator(void) {
    static struct rl_mutants mutants;
    const struct rl_mutation *const asked = (const struct rl_mutation *)RL_INPUT_START;
    const u8 *const input = (const u8 *)(asked + 1), *const other = input + asked->size;
    rl_seed_mutate(asked->seed, other + asked->other_size, asked->tokens_size);
    struct state s = {.asked = asked, .input = input};
    s.work = block_with(input, 0, asked->max_len);
    s.last = block_with(input, 0, asked->max_len);
    u8 *const out = block_with(input, 0, asked->room);
    if (asked->other_size) s.other = block_with(other, asked->other_size, asked->other_size);
    if (s.work && s.last && out && asked->size <= asked->max_len) {
        mutants.size = make_mutants(&s, out);
        mutants.at = (u64)out;
    }
    rl_hypercall(RL_CALL_MUTATED, (u64)&mutants, 0);
}
