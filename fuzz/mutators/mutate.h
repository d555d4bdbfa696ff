// fuzz/mutators/mutate.h — mutates an input: applies one to a few random mutators, one after the other.
#pragma once

#include "fuzz/buffer.h"
#include "fuzz/mutators/cmplog.h"
#include "fuzz/mutators/dictionary.h"

namespace fuzz {

// What a mutator may use besides the input itself.
struct MutationContext {
    const Dictionary &dictionary;
    const ComparisonLog &comparison_log;
    Bytes partner; // another input of the corpus, possibly empty
};

// Applies one to a few mutators; the result depends on the arguments only.
void mutate(Buffer &input, const MutationContext &context, Random &random);

} // namespace fuzz
