// fuzz/mutators/mutators.h — the list of mutators (cmplog.h has one more). Each returns false when it does
// not apply to this input, which then stays as it is, and never grows an input beyond its buffer.
#pragma once

#include "base/random.h"
#include "fuzz/buffer.h"

namespace fuzz::mutators {

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
// Splicing with another input (blocks.cpp).
bool crossover(Buffer &input, Bytes other, Random &random);
bool insert_part(Buffer &input, Bytes other, Random &random);
bool overwrite_part(Buffer &input, Bytes other, Random &random);
// A length field and the bytes that it counts (length_fields.cpp).
bool duplicate_length_field(Buffer &input, Random &random);
bool delete_length_field(Buffer &input, Random &random);
bool move_length_field(Buffer &input, Random &random);
bool resize_length_field(Buffer &input, Random &random);

// A block length: usually small, sometimes up to `limit` (at least 1).
usize block_length(Random &random, usize limit);

} // namespace fuzz::mutators
