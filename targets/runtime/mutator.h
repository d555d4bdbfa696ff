// targets/runtime/mutator.h — the target's own mutators, run for the hypervisor.
#pragma once

#include "targets/runtime/runtime.h"

u64 rl_mutator_abilities(void); // RL_ABILITY_*
// Answers the rl_mutation at the input's start with RL_CALL_MUTATED.
void rl_run_mutator(void);

// mutate.c: what LLVMFuzzerMutate does from now on follows from the seed; it may use these tokens.
void rl_seed_mutate(u64 seed, const u8 *tokens, u64 tokens_size);
u64 rl_random(void);
