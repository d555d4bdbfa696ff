// fuzz/mutators/length_fields.cpp — changes to parts that a length stands in front of, as most binary formats
// have them.
//
//   ... | length (1, 2 or 4 bytes, either order) | `length` bytes, or a few more for a tag or checksum | ...
//
// Whether a number is a length cannot be known; one that ends inside the input is taken for one.
#include "fuzz/mutators/mutators.h"

namespace fuzz::changes {

namespace {

struct Chunk {
    usize at;  // of the length
    u32 width; // of the length
    bool big_endian;
    u64 length;
    usize end(usize extra) const { return at + width + length + extra; }
    usize whole(usize extra) const { return width + length + extra; }
};

u64 number_at(const Buffer &input, usize at, u32 width, bool big_endian) {
    u64 value = 0;
    __builtin_memcpy(&value, input.data() + at, width);
    return big_endian ? __builtin_bswap64(value) >> (64 - 8 * width) : value;
}

// Tries random places until one looks like a length whose end, `extra` bytes later, lies inside the input.
bool choose(const Buffer &input, Random &random, usize extra, Chunk &chunk) {
    constexpr u32 tries = 32; // chosen: a length is found in most inputs that have one in fifty bytes
    for (u32 i = 0; i < tries; ++i) {
        chunk.width = 1u << random.below(3);
        if (input.size() <= chunk.width) continue;
        chunk.at = random.below(input.size() - chunk.width);
        chunk.big_endian = random.one_in(2);
        chunk.length = number_at(input, chunk.at, chunk.width, chunk.big_endian);
        if (chunk.length != 0 && chunk.length <= input.size() && chunk.end(extra) <= input.size())
            return true;
    }
    return false;
}

// Tags and checksums that lengths commonly leave out; a two-byte marker may stand before the length as well.
usize choose_extra(Random &random) {
    constexpr usize extras[] = {0, 0, 0, 1, 2, 4, 8};
    return extras[random.below(sizeof extras / sizeof extras[0])];
}

// How many bytes before the length belong to the chunk.
usize choose_lead(const Chunk &chunk, Random &random) { return min(chunk.at, random.below(5)); }

} // namespace

bool duplicate_chunk(Buffer &input, Random &random) {
    Chunk chunk;
    const usize extra = choose_extra(random);
    if (!choose(input, random, extra, chunk)) return false;
    const usize lead = choose_lead(chunk, random), size = lead + chunk.whole(extra);
    if (size > input.left()) return false;
    const usize from = chunk.at - lead;
    input.open(from, size);
    __builtin_memcpy(input.data() + from, input.data() + from + size, size);
    return true;
}

bool delete_chunk(Buffer &input, Random &random) {
    Chunk chunk;
    const usize extra = choose_extra(random);
    if (!choose(input, random, extra, chunk)) return false;
    const usize lead = choose_lead(chunk, random);
    input.erase(chunk.at - lead, lead + chunk.whole(extra));
    return true;
}

// Swaps a chunk with what follows it for the same length.
bool move_chunk(Buffer &input, Random &random) {
    Chunk chunk;
    const usize extra = choose_extra(random);
    if (!choose(input, random, extra, chunk)) return false;
    const usize lead = choose_lead(chunk, random), size = lead + chunk.whole(extra);
    const usize from = chunk.at - lead, behind = from + size;
    const usize moved = min(input.size() - behind, size);
    if (moved == 0) return false;
    for (usize i = 0; i < moved; ++i) {
        const u8 byte = input.data()[from + i];
        input.data()[from + i] = input.data()[behind + i];
        input.data()[behind + i] = byte;
    }
    return true;
}

// Takes bytes out of a chunk or puts some in, and corrects its length.
bool resize_chunk(Buffer &input, Random &random) {
    Chunk chunk;
    if (!choose(input, random, 0, chunk)) return false;
    const usize start = chunk.at + chunk.width;
    const u64 largest = chunk.width == 4 ? 0xffffffff : chunk.width == 2 ? 0xffff : 0xff;
    u64 length = chunk.length;
    if (random.one_in(2)) {
        const usize removed = block_length(random, chunk.length);
        input.erase(start + random.below(chunk.length - removed + 1), removed);
        length -= removed;
    } else {
        if (input.left() == 0 || length == largest) return false;
        const usize added = block_length(random, min(input.left(), largest - length));
        const usize at = start + random.below(chunk.length + 1);
        input.open(at, added);
        for (usize i = 0; i < added; ++i) input.data()[at + i] = static_cast<u8>(random.next());
        length += added;
    }
    if (chunk.big_endian) length = __builtin_bswap64(length) >> (64 - 8 * chunk.width);
    __builtin_memcpy(input.data() + chunk.at, &length, chunk.width);
    return true;
}

} // namespace fuzz::changes
