// fuzz/mutators/mutators.h — the single changes mutation is made of. Each returns false when it cannot apply
// to this input, which it then leaves alone, and never grows an input beyond its buffer.
#pragma once

#include "base/random.h"
#include "fuzz/buffer.h"

namespace fuzz::changes {

// Bits, bytes and numbers (numbers.cpp).
bool flip_bit(Buffer &input, Random &random);
bool random_byte(Buffer &input, Random &random);
bool interesting_number(Buffer &input, Random &random);
bool add_to_number(Buffer &input, Random &random);
bool ascii_number(Buffer &input, Random &random);
// Blocks (blocks.cpp).
bool delete_block(Buffer &input, Random &random);
bool insert_block(Buffer &input, Random &random);
bool fill_block(Buffer &input, Random &random);
bool copy_block(Buffer &input, Random &random);
bool duplicate_block(Buffer &input, Random &random);
bool swap_blocks(Buffer &input, Random &random);
bool shuffle_bytes(Buffer &input, Random &random);
bool insert_token(Buffer &input, Bytes token, Random &random);
bool overwrite_token(Buffer &input, Bytes token, Random &random);
// With another input (blocks.cpp).
bool crossover(Buffer &input, Bytes other, Random &random);
bool insert_part(Buffer &input, Bytes other, Random &random);
bool overwrite_part(Buffer &input, Bytes other, Random &random);
// Parts that a length stands in front of, as most binary formats have them (chunks.cpp).
bool duplicate_chunk(Buffer &input, Random &random);
bool delete_chunk(Buffer &input, Random &random);
bool move_chunk(Buffer &input, Random &random);
bool resize_chunk(Buffer &input, Random &random);

// A block length: usually small, sometimes up to `limit` (at least 1).
usize block_length(Random &random, usize limit);

} // namespace fuzz::changes
