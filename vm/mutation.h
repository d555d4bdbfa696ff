// vm/mutation.h — what a target's own mutator is asked for. guest/ runs it; fuzz/ asks and uses the mutants.
#pragma once

#include "base/span.h"

namespace vm {

struct MutationRequest {
    u64 seed = 0;
    u32 count = 0;   // of mutants wanted
    u32 max_len = 0; // of one mutant, in bytes
    Bytes input;     // to mutate
    Bytes other;     // another input of the corpus, possibly empty
    Bytes tokens;    // of the dictionary: each a byte with its size, then so many bytes
};

// Which of libFuzzer's functions the target has; the values of RL_ABILITY_* (targets/runtime/abi.h).
struct MutatorAbilities {
    bool mutates = false, crosses_over = false;

    bool any() const { return mutates || crosses_over; }
};

// Each mutant: its size in four bytes, little endian, then its bytes.
constexpr usize mutant_header = 4;

} // namespace vm
