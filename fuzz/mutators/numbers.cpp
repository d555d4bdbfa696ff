// fuzz/mutators/numbers.cpp — mutators of bits, bytes and numbers of 1, 2, 4 and 8 bytes in both byte orders.
#include "fuzz/mutators/mutators.h"

namespace fuzz::mutators {

namespace {

// Interesting values: the limits of signed and unsigned types, of shift counts and of common sizes.
constexpr i8 bytes[] = {-128, -1, 0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 126, 127};
constexpr i16 halves[] = {-32768, -129, 128, 255, 256, 257, 511, 512, 1000, 1023, 1024, 4095, 4096, 32767};
constexpr i32 words[] = {-2147483647 - 1, -100663046, -32769,  32768,   65535,
                         65536,           65537,      1 << 24, 1 << 30, 2147483647};
constexpr i64 longs[] = {-9223372036854775807 - 1, -2147483649, 2147483648, 4294967295, 4294967296,
                         9223372036854775807};

template <class T, usize n> u64 one_of(const T (&values)[n], Random &random) {
    return static_cast<u64>(static_cast<i64>(values[random.below(n)]));
}

// An interesting value of `width` bytes, which may be one of a narrower type.
u64 interesting(u32 width, Random &random) {
    u64 kinds = width == 1 ? 1 : width == 2 ? 2 : width == 4 ? 3 : 4;
    switch (random.below(kinds)) {
    case 0:
        return one_of(bytes, random);
    case 1:
        return one_of(halves, random);
    case 2:
        return one_of(words, random);
    default:
        return one_of(longs, random);
    }
}

struct Place {
    usize at;
    u32 width;
    bool big_endian;
};

// A random place for a number; false when the input is empty.
bool choose(const Buffer &input, Random &random, Place &place) {
    if (input.empty()) return false;
    place.width = 1u << random.below(4);
    while (place.width > input.size()) place.width /= 2;
    place.at = random.below(input.size() - place.width + 1);
    place.big_endian = random.one_in(2);
    return true;
}

u64 get(const Buffer &input, const Place &place) {
    u64 value = 0;
    __builtin_memcpy(&value, input.data() + place.at, place.width);
    return place.big_endian ? __builtin_bswap64(value) >> (64 - 8 * place.width) : value;
}

void put(Buffer &input, const Place &place, u64 value) {
    if (place.big_endian) value = __builtin_bswap64(value) >> (64 - 8 * place.width);
    __builtin_memcpy(input.data() + place.at, &value, place.width);
}

bool is_digit(u8 c) { return c >= '0' && c <= '9'; }

} // namespace

bool flip_bit(Buffer &input, Random &random) {
    if (input.empty()) return false;
    const u64 bit = random.below(input.size() * 8);
    input.data()[bit / 8] ^= static_cast<u8>(1u << (bit % 8));
    return true;
}

bool random_byte(Buffer &input, Random &random) {
    if (input.empty()) return false;
    // Adding 1..255 always gives another byte.
    u8 &byte = input.data()[random.below(input.size())];
    byte = static_cast<u8>(byte + 1 + random.below(255));
    return true;
}

bool interesting_number(Buffer &input, Random &random) {
    Place place;
    if (!choose(input, random, place)) return false;
    put(input, place, interesting(place.width, random));
    return true;
}

bool add_to_number(Buffer &input, Random &random) {
    Place place;
    if (!choose(input, random, place)) return false;
    u64 value = get(input, place);
    const u64 step = 1 + random.below(35);
    switch (random.below(8)) {
    case 0:
        value = 0 - value;
        break;
    case 1:
        value *= 2;
        break;
    case 2:
        value /= 2;
        break;
    default:
        value = random.one_in(2) ? value + step : value - step;
    }
    put(input, place, value);
    return true;
}

bool ascii_number(Buffer &input, Random &random) {
    if (input.empty()) return false;
    const u8 *const data = input.data();
    usize from = random.below(input.size()), looked = 0;
    for (; looked < input.size() && !is_digit(data[from]); ++looked)
        from = from + 1 == input.size() ? 0 : from + 1;
    if (!is_digit(data[from])) return false;
    while (from > 0 && is_digit(data[from - 1])) --from;
    usize to = from;
    u64 value = 0;
    for (; to < input.size() && to - from < 19 && is_digit(data[to]); ++to)
        value = value * 10 + (data[to] - '0');
    switch (random.below(6)) {
    case 0:
        ++value;
        break;
    case 1:
        --value;
        break;
    case 2:
        value /= 2;
        break;
    case 3:
        value *= 2;
        break;
    case 4:
        value = random.below(max(value, 1ul) * max(value, 1ul));
        break;
    default:
        value = interesting(4, random) & 0xffffffff;
    }
    u8 text[20];
    usize length = 0;
    do text[sizeof text - ++length] = static_cast<u8>('0' + value % 10);
    while ((value /= 10) != 0);
    if (length > to - from && length - (to - from) > input.left()) return false;
    input.erase(from, to - from);
    input.insert(from, {text + sizeof text - length, length});
    return true;
}

} // namespace fuzz::mutators
