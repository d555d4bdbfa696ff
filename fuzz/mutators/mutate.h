// fuzz/mutators/mutate.h — changes an input at random: a few single changes on top of each other.
#pragma once

#include "fuzz/buffer.h"
#include "fuzz/mutators/cmplog.h"
#include "fuzz/mutators/dictionary.h"

namespace fuzz {

// What a mutation may draw from besides the input itself.
struct Ingredients {
    const Dictionary &dictionary;
    const Operands &operands;
    Bytes partner; // another input of the corpus, possibly empty
};

// Applies one to a few changes; the result depends on nothing but the arguments.
void mutate(Buffer &input, const Ingredients &ingredients, Random &random);

} // namespace fuzz
