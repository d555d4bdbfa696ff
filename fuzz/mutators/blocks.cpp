// fuzz/mutators/blocks.cpp — mutators of whole blocks of bytes, within one input and between two (splicing).
#include "fuzz/mutators/mutators.h"

namespace fuzz::mutators {

namespace {

struct Block {
    usize at, size;
};

Block choose(usize whole, Random &random) {
    const usize size = block_length(random, whole);
    return {random.below(whole - size + 1), size};
}

// Fills a block with one value: 0x00 and 0xff are special in many formats, a byte of the input is often
// valid.
void fill(u8 *at, usize size, const Buffer &input, Random &random) {
    u8 value = 0;
    switch (random.below(4)) {
    case 0:
        break;
    case 1:
        value = 0xff;
        break;
    case 2:
        value = static_cast<u8>(random.next());
        break;
    default:
        value = input.empty() ? u8{' '} : input.data()[random.below(input.size())];
    }
    __builtin_memset(at, value, size);
}

void fill_random(u8 *at, usize size, Random &random) {
    for (usize i = 0; i < size; ++i) at[i] = static_cast<u8>(random.next());
}

} // namespace

usize block_length(Random &random, usize limit) {
    usize bound = limit;
    switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
        bound = 4;
        break;
    case 3:
    case 4:
        bound = 16;
        break;
    case 5:
        bound = 64;
        break;
    case 6:
        bound = 256;
        break;
    default:
        break;
    }
    return 1 + random.below(min(bound, limit));
}

bool delete_block(Buffer &input, Random &random) {
    if (input.empty()) return false;
    const Block block = choose(input.size(), random);
    input.erase(block.at, block.size);
    return true;
}

bool insert_block(Buffer &input, Random &random) {
    if (input.left() == 0) return false;
    const usize size = block_length(random, min(input.left(), max(input.size(), 16ul)));
    const usize at = random.below(input.size() + 1);
    input.open(at, size);
    if (random.one_in(2))
        fill(input.data() + at, size, input, random);
    else
        fill_random(input.data() + at, size, random);
    return true;
}

bool fill_block(Buffer &input, Random &random) {
    if (input.empty()) return false;
    const Block block = choose(input.size(), random);
    if (random.one_in(2))
        fill(input.data() + block.at, block.size, input, random);
    else
        fill_random(input.data() + block.at, block.size, random);
    return true;
}

bool copy_block(Buffer &input, Random &random) {
    if (input.size() < 2) return false;
    const Block from = choose(input.size(), random);
    const usize to = random.below(input.size() - from.size + 1);
    if (to == from.at) return false;
    __builtin_memmove(input.data() + to, input.data() + from.at, from.size);
    return true;
}

bool duplicate_block(Buffer &input, Random &random) {
    if (input.empty() || input.left() == 0) return false;
    Block from = choose(input.size(), random);
    from.size = min(from.size, input.left());
    // Directly behind the original, as repeated elements of a format lie, or anywhere.
    const usize to = random.one_in(2) ? from.at + from.size : random.below(input.size() + 1);
    input.open(to, from.size);
    // The bytes that lay behind `to` have moved by the block's size.
    u8 *const data = input.data();
    for (usize i = 0; i < from.size; ++i) {
        const usize source = from.at + i;
        data[to + i] = data[source < to ? source : source + from.size];
    }
    return true;
}

bool swap_blocks(Buffer &input, Random &random) {
    if (input.size() < 2) return false;
    const usize size = block_length(random, input.size() / 2);
    const usize a = random.below(input.size() - 2 * size + 1);
    const usize b = a + size + random.below(input.size() - 2 * size - a + 1);
    for (usize i = 0; i < size; ++i) {
        const u8 byte = input.data()[a + i];
        input.data()[a + i] = input.data()[b + i];
        input.data()[b + i] = byte;
    }
    return true;
}

bool shuffle_bytes(Buffer &input, Random &random) {
    if (input.size() < 2) return false;
    const usize size = 2 + random.below(min(input.size(), 8ul) - 1);
    const usize at = random.below(input.size() - size + 1);
    u8 *const block = input.data() + at;
    for (usize i = size - 1; i > 0; --i) {
        const usize j = random.below(i + 1);
        const u8 byte = block[i];
        block[i] = block[j];
        block[j] = byte;
    }
    return true;
}

bool insert_token(Buffer &input, Bytes token, Random &random) {
    if (token.size() > input.left()) return false;
    input.insert(random.below(input.size() + 1), token);
    return true;
}

bool overwrite_token(Buffer &input, Bytes token, Random &random) {
    if (token.size() > input.size()) return false;
    input.overwrite(random.below(input.size() - token.size() + 1), token);
    return true;
}

bool crossover(Buffer &input, Bytes other, Random &random) {
    if (input.size() < 2 || other.size() < 2) return false;
    // Cut both inputs at the same offset, or each at its own.
    const usize keep = 1 + random.below(input.size() - 1);
    const usize from = keep < other.size() && random.one_in(2) ? keep : random.below(other.size());
    const usize size = min(other.size() - from, input.capacity() - keep);
    input.resize(keep + size);
    input.overwrite(keep, other.sub(from, size));
    return true;
}

bool insert_part(Buffer &input, Bytes other, Random &random) {
    if (other.empty() || input.left() == 0) return false;
    Block part = choose(other.size(), random);
    part.size = min(part.size, input.left());
    input.insert(random.below(input.size() + 1), other.sub(part.at, part.size));
    return true;
}

bool overwrite_part(Buffer &input, Bytes other, Random &random) {
    if (other.empty() || input.empty()) return false;
    Block part = choose(other.size(), random);
    part.size = min(part.size, input.size());
    // Two inputs of one format often hold the same element at the same offset.
    const usize last = input.size() - part.size;
    const usize at = random.one_in(2) && part.at <= last ? part.at : random.below(last + 1);
    input.overwrite(at, other.sub(part.at, part.size));
    return true;
}

} // namespace fuzz::mutators
