// fuzz/mutators/mutate.cpp — see mutate.h.
#include "fuzz/mutators/mutate.h"

#include "fuzz/mutators/mutators.h"

namespace fuzz {

namespace {

enum class Change : u8 {
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
    substitute,
    crossover,
    insert_part,
    overwrite_part,
    duplicate_chunk,
    delete_chunk,
    move_chunk,
    resize_chunk,
    count_,
};

// How often each change is drawn, out of their sum (tuned by measurement: docs/fuzz.md).
constexpr u8 weights[] = {8, 12, 8, 8, 2, 8, 6, 3, 4, 4, 2, 2, 3, 4, 36, 4, 3, 4, 2, 2, 1, 2};
static_assert(sizeof weights == static_cast<usize>(Change::count_), "each change has a weight");

constexpr u32 total() {
    u32 sum = 0;
    for (const u8 weight : weights) sum += weight;
    return sum;
}

Change choose(Random &random) {
    constexpr u32 tickets = total();
    u64 ticket = random.below(tickets);
    u32 change = 0;
    while (ticket >= weights[change]) ticket -= weights[change++];
    return static_cast<Change>(change);
}

bool apply_token(Buffer &input, const Dictionary &dictionary, Random &random, bool insert) {
    if (dictionary.empty()) return false;
    const Bytes token = dictionary.pick(random);
    return insert ? changes::insert_token(input, token, random)
                  : changes::overwrite_token(input, token, random);
}

bool apply(Change change, Buffer &input, const Ingredients &with, Random &random) {
    switch (change) {
    case Change::flip_bit:
        return changes::flip_bit(input, random);
    case Change::random_byte:
        return changes::random_byte(input, random);
    case Change::interesting_number:
        return changes::interesting_number(input, random);
    case Change::add_to_number:
        return changes::add_to_number(input, random);
    case Change::ascii_number:
        return changes::ascii_number(input, random);
    case Change::delete_block:
        return changes::delete_block(input, random);
    case Change::insert_block:
        return changes::insert_block(input, random);
    case Change::fill_block:
        return changes::fill_block(input, random);
    case Change::copy_block:
        return changes::copy_block(input, random);
    case Change::duplicate_block:
        return changes::duplicate_block(input, random);
    case Change::swap_blocks:
        return changes::swap_blocks(input, random);
    case Change::shuffle_bytes:
        return changes::shuffle_bytes(input, random);
    case Change::insert_token:
        return apply_token(input, with.dictionary, random, true);
    case Change::overwrite_token:
        return apply_token(input, with.dictionary, random, false);
    case Change::substitute:
        return with.operands.substitute(input, random);
    case Change::crossover:
        return changes::crossover(input, with.partner, random);
    case Change::insert_part:
        return changes::insert_part(input, with.partner, random);
    case Change::overwrite_part:
        return changes::overwrite_part(input, with.partner, random);
    case Change::duplicate_chunk:
        return changes::duplicate_chunk(input, random);
    case Change::delete_chunk:
        return changes::delete_chunk(input, random);
    case Change::move_chunk:
        return changes::move_chunk(input, random);
    case Change::resize_chunk:
        return changes::resize_chunk(input, random);
    case Change::count_:
        break;
    }
    return false;
}

// 1 two times in three, then 2, 3, ...: formats break when much is changed at once.
u32 depth(Random &random) {
    u32 changes = 1;
    while (changes < 16 && random.one_in(3)) ++changes;
    return changes;
}

} // namespace

void mutate(Buffer &input, const Ingredients &ingredients, Random &random) {
    for (u32 left = depth(random); left > 0; --left) {
        constexpr u32 tries = 8; // then the input is what it is: empty, or full
        for (u32 i = 0; i < tries; ++i)
            if (apply(choose(random), input, ingredients, random)) break;
    }
}

} // namespace fuzz
