// fuzz/mutators/mutate.cpp — see mutate.h.
#include "fuzz/mutators/mutate.h"

#include "fuzz/mutators/mutators.h"

namespace fuzz {

namespace {

enum class Mutator : u8 {
    flip_bit,
    random_byte,
    interesting_number,
    add_to_number,
    ascii_number,
    delete_block,
    insert_block,
    fill_block,
    copy_block,
    duplicate_block,
    swap_blocks,
    shuffle_bytes,
    insert_token,
    overwrite_token,
    replace_input_to_state,
    crossover,
    insert_part,
    overwrite_part,
    duplicate_length_field,
    delete_length_field,
    move_length_field,
    resize_length_field,
    count_,
};

// How often each mutator is drawn, out of the sum of all weights (tuned by measurement: docs/fuzz.md).
constexpr u8 weights[] = {8, 12, 8, 8, 2, 8, 6, 3, 4, 4, 2, 2, 3, 4, 36, 4, 3, 4, 2, 2, 1, 2};
static_assert(sizeof weights == static_cast<usize>(Mutator::count_), "each mutator has a weight");

constexpr u32 total() {
    u32 sum = 0;
    for (const u8 weight : weights) sum += weight;
    return sum;
}

Mutator choose(Random &random) {
    constexpr u32 tickets = total();
    u64 ticket = random.below(tickets);
    u32 mutator = 0;
    while (ticket >= weights[mutator]) ticket -= weights[mutator++];
    return static_cast<Mutator>(mutator);
}

bool apply_token(Buffer &input, const Dictionary &dictionary, Random &random, bool insert) {
    if (dictionary.empty()) return false;
    const Bytes token = dictionary.random_token(random);
    return insert ? mutators::insert_token(input, token, random)
                  : mutators::overwrite_token(input, token, random);
}

bool apply(Mutator mutator, Buffer &input, const MutationContext &with, Random &random) {
    switch (mutator) {
    case Mutator::flip_bit:
        return mutators::flip_bit(input, random);
    case Mutator::random_byte:
        return mutators::random_byte(input, random);
    case Mutator::interesting_number:
        return mutators::interesting_number(input, random);
    case Mutator::add_to_number:
        return mutators::add_to_number(input, random);
    case Mutator::ascii_number:
        return mutators::ascii_number(input, random);
    case Mutator::delete_block:
        return mutators::delete_block(input, random);
    case Mutator::insert_block:
        return mutators::insert_block(input, random);
    case Mutator::fill_block:
        return mutators::fill_block(input, random);
    case Mutator::copy_block:
        return mutators::copy_block(input, random);
    case Mutator::duplicate_block:
        return mutators::duplicate_block(input, random);
    case Mutator::swap_blocks:
        return mutators::swap_blocks(input, random);
    case Mutator::shuffle_bytes:
        return mutators::shuffle_bytes(input, random);
    case Mutator::insert_token:
        return apply_token(input, with.dictionary, random, true);
    case Mutator::overwrite_token:
        return apply_token(input, with.dictionary, random, false);
    case Mutator::replace_input_to_state:
        return with.comparison_log.replace_input_to_state(input, random);
    case Mutator::crossover:
        return mutators::crossover(input, with.partner, random);
    case Mutator::insert_part:
        return mutators::insert_part(input, with.partner, random);
    case Mutator::overwrite_part:
        return mutators::overwrite_part(input, with.partner, random);
    case Mutator::duplicate_length_field:
        return mutators::duplicate_length_field(input, random);
    case Mutator::delete_length_field:
        return mutators::delete_length_field(input, random);
    case Mutator::move_length_field:
        return mutators::move_length_field(input, random);
    case Mutator::resize_length_field:
        return mutators::resize_length_field(input, random);
    case Mutator::count_:
        break;
    }
    return false;
}

// How many mutators are stacked: 1 in two of three cases, 2 in two of nine, and so on. Too many at once leave
// nothing of the format.
u32 stack_depth(Random &random) {
    u32 depth = 1;
    while (depth < 16 && random.one_in(3)) ++depth;
    return depth;
}

} // namespace

void mutate(Buffer &input, const MutationContext &context, Random &random) {
    for (u32 left = stack_depth(random); left > 0; --left) {
        constexpr u32 tries = 8; // then the input stays as it is: it is empty, or its buffer is full
        for (u32 i = 0; i < tries; ++i)
            if (apply(choose(random), input, context, random)) break;
    }
}

} // namespace fuzz
