// fuzz/mutators/length_fields.cpp — mutators of a length field together with the bytes that it counts, as
// most binary formats have them.
//
//   ... | length (1, 2 or 4 bytes, either order) | `length` bytes, or a few more for a tag or checksum | ...
//
// The mutators know no format: they take a number for a length when the bytes that it counts end inside the
// input.
#include "fuzz/mutators/mutators.h"

namespace fuzz::mutators {

namespace {

struct LengthField {
    usize at;  // offset of the field itself
    u32 width; // of the field itself, in bytes
    bool big_endian;
    u64 length; // the field's value
    usize end(usize extra) const { return at + width + length + extra; }
    usize whole(usize extra) const { return width + length + extra; }
};

u64 number_at(const Buffer &input, usize at, u32 width, bool big_endian) {
    u64 value = 0;
    __builtin_memcpy(&value, input.data() + at, width);
    return big_endian ? __builtin_bswap64(value) >> (64 - 8 * width) : value;
}

// Tries random offsets until the number there could be a length: the counted bytes and `extra` more end
// inside the input.
bool choose(const Buffer &input, Random &random, usize extra, LengthField &field) {
    constexpr u32 tries = 32; // chosen: a length is found in most inputs that have one in fifty bytes
    for (u32 i = 0; i < tries; ++i) {
        field.width = 1u << random.below(3);
        if (input.size() <= field.width) continue;
        field.at = random.below(input.size() - field.width);
        field.big_endian = random.one_in(2);
        field.length = number_at(input, field.at, field.width, field.big_endian);
        if (field.length != 0 && field.length <= input.size() && field.end(extra) <= input.size())
            return true;
    }
    return false;
}

// Bytes that a length field often does not count: tags, checksums, and the length itself.
usize choose_extra(Random &random) {
    constexpr usize extras[] = {0, 0, 0, 1, 2, 4, 8};
    return extras[random.below(sizeof extras / sizeof extras[0])];
}

// How many bytes before the length belong to the field.
usize choose_lead(const LengthField &field, Random &random) { return min(field.at, random.below(5)); }

} // namespace

bool duplicate_length_field(Buffer &input, Random &random) {
    LengthField field;
    const usize extra = choose_extra(random);
    if (!choose(input, random, extra, field)) return false;
    const usize lead = choose_lead(field, random), size = lead + field.whole(extra);
    if (size > input.left()) return false;
    const usize from = field.at - lead;
    input.open(from, size);
    __builtin_memcpy(input.data() + from, input.data() + from + size, size);
    return true;
}

bool delete_length_field(Buffer &input, Random &random) {
    LengthField field;
    const usize extra = choose_extra(random);
    if (!choose(input, random, extra, field)) return false;
    const usize lead = choose_lead(field, random);
    input.erase(field.at - lead, lead + field.whole(extra));
    return true;
}

// Swaps an element with the bytes that follow it, at most as many as it has.
bool move_length_field(Buffer &input, Random &random) {
    LengthField field;
    const usize extra = choose_extra(random);
    if (!choose(input, random, extra, field)) return false;
    const usize lead = choose_lead(field, random), size = lead + field.whole(extra);
    const usize from = field.at - lead, behind = from + size;
    const usize moved = min(input.size() - behind, size);
    if (moved == 0) return false;
    for (usize i = 0; i < moved; ++i) {
        const u8 byte = input.data()[from + i];
        input.data()[from + i] = input.data()[behind + i];
        input.data()[behind + i] = byte;
    }
    return true;
}

// Removes some of the counted bytes or inserts some, and corrects the length.
bool resize_length_field(Buffer &input, Random &random) {
    LengthField field;
    if (!choose(input, random, 0, field)) return false;
    const usize start = field.at + field.width;
    const u64 largest = field.width == 4 ? 0xffffffff : field.width == 2 ? 0xffff : 0xff;
    u64 length = field.length;
    if (random.one_in(2)) {
        const usize removed = block_length(random, field.length);
        input.erase(start + random.below(field.length - removed + 1), removed);
        length -= removed;
    } else {
        if (input.left() == 0 || length == largest) return false;
        const usize added = block_length(random, min(input.left(), largest - length));
        const usize at = start + random.below(field.length + 1);
        input.open(at, added);
        for (usize i = 0; i < added; ++i) input.data()[at + i] = static_cast<u8>(random.next());
        length += added;
    }
    if (field.big_endian) length = __builtin_bswap64(length) >> (64 - 8 * field.width);
    __builtin_memcpy(input.data() + field.at, &length, field.width);
    return true;
}

} // namespace fuzz::mutators
