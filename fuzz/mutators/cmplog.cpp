// fuzz/mutators/cmplog.cpp — see cmplog.h.
#include "fuzz/mutators/cmplog.h"

namespace fuzz {

namespace {

u64 swapped(u64 value, u32 width) { return __builtin_bswap64(value) >> (64 - 8 * width); }

u64 low_bytes(u64 value, u32 width) { return width >= 8 ? value : value & ((1ul << (8 * width)) - 1); }

// The narrowest width of 1, 2, 4, 8 bytes from which zero or sign extension gives `value`, which is `size`
// bytes wide.
u32 narrowest(u64 value, u32 size) {
    value = low_bytes(value, size);
    for (u32 width = 1; width < size; width *= 2) {
        const u64 high = low_bytes(~0ul, size) & ~low_bytes(~0ul, width);
        const bool negative = (value >> (8 * width - 1) & 1) != 0;
        if ((value & high) == 0 || (negative && (value & high) == high)) return width;
    }
    return size;
}

u64 mixed(const vm::Comparison &c) {
    u64 hash = (c.a * 0x9e3779b97f4a7c15) ^ ((c.b + c.size) * 0xc2b2ae3d27d4eb4f);
    hash ^= hash >> 29;
    return hash * 0x94d049bb133111eb;
}

template <class T> bool find(const u8 *begin, const u8 *end, T value, const u8 *&found) {
    for (; begin != end; ++begin) {
        T there;
        __builtin_memcpy(&there, begin, sizeof there);
        if (there != value) continue;
        found = begin;
        return true;
    }
    return false;
}

template <class T> bool find_wrapping(Bytes input, usize start, T value, usize &at) {
    const u8 *const begin = input.data(), *const end = begin + input.size() - sizeof(T) + 1;
    const u8 *const middle = begin + start % static_cast<usize>(end - begin), *found;
    if (!find(middle, end, value, found) && !find(begin, middle, value, found)) return false;
    at = static_cast<usize>(found - begin);
    return true;
}

void add_constant(const vm::Comparison &c, Dictionary &dictionary) {
    // Small numbers are interesting values anyway (numbers.cpp), and a byte needs no dictionary.
    if (c.size < 2 || narrowest(c.b, c.size) == 1) return;
    const u32 width = narrowest(c.b, c.size);
    const u64 little = c.b, big = swapped(low_bytes(c.b, width), width);
    dictionary.learn({reinterpret_cast<const u8 *>(&big), width});
    dictionary.learn({reinterpret_cast<const u8 *>(&little), width});
}

} // namespace

ComparisonLog::ComparisonLog(Arena &arena, u32 pairs)
    : pairs_(arena.take<vm::Comparison>(pairs)), table_(arena.take<u16>(table_size(pairs), u16{0})) {}

void ComparisonLog::clear() {
    if (count_ == 0) return;
    __builtin_memset(table_.data(), 0, table_.size() * sizeof(u16));
    count_ = 0;
}

bool ComparisonLog::insert(const vm::Comparison &comparison) {
    if (count_ == pairs_.size()) return false;
    const u32 mask = static_cast<u32>(table_.size()) - 1;
    u32 slot = static_cast<u32>(mixed(comparison) >> 32) & mask;
    for (; table_.data()[slot] != 0; slot = (slot + 1) & mask) {
        const vm::Comparison &other = pairs_.data()[table_.data()[slot] - 1];
        if (other.a == comparison.a && other.b == comparison.b && other.size == comparison.size) return false;
    }
    pairs_[count_++] = comparison;
    table_[slot] = static_cast<u16>(count_);
    return true;
}

void ComparisonLog::gather(Span<const vm::Comparison> comparisons, Dictionary &dictionary) {
    for (const vm::Comparison &comparison : comparisons) {
        const u32 size = comparison.size;
        if (comparison.a == comparison.b || (size != 1 && size != 2 && size != 4 && size != 8)) continue;
        if (insert(comparison) && (comparison.flags & comparison_constant) != 0)
            add_constant(comparison, dictionary);
    }
}

bool find_operand(Bytes input, usize start, u64 from, u32 width, bool big_endian, usize &at) {
    if (input.size() < width) return false;
    from = low_bytes(from, width);
    if (big_endian) from = swapped(from, width);
    switch (width) {
    case 1:
        return find_wrapping<u8>(input, start, static_cast<u8>(from), at);
    case 2:
        return find_wrapping<u16>(input, start, static_cast<u16>(from), at);
    case 4:
        return find_wrapping<u32>(input, start, static_cast<u32>(from), at);
    default:
        return find_wrapping<u64>(input, start, from, at);
    }
}

void apply(const Replacement &s, Buffer &input) {
    u64 value = low_bytes(s.value, s.width);
    if (s.big_endian) value = swapped(value, s.width);
    input.overwrite(s.at, {reinterpret_cast<const u8 *>(&value), s.width});
}

bool ComparisonLog::replace_input_to_state(Buffer &input, Random &random) const {
    constexpr u32 tries = 8; // chosen: most comparisons of a real target are of loop counters, not of input
    for (u32 i = 0; count_ != 0 && i < tries; ++i) {
        const vm::Comparison &c = pairs_[random.below(count_)];
        // A constant is not searched: the other operand is the one that came from the input.
        const bool backwards = (c.flags & comparison_constant) == 0 && random.one_in(2);
        const u64 from = backwards ? c.b : c.a, to = backwards ? c.a : c.b;
        u32 width = narrowest(from, c.size);
        while (width < c.size && random.one_in(2)) width *= 2;
        const bool big_endian = width != 1 && random.one_in(2);
        usize at = 0;
        if (!find_operand(input.bytes(), random.next(), from, width, big_endian, at)) continue;
        const u64 step = random.below(4); // the value itself in half of the cases, else a neighbour
        const u64 value = step == 0 ? to + 1 : step == 1 ? to - 1 : to;
        apply({static_cast<u32>(at), width, value, big_endian}, input);
        return true;
    }
    return false;
}

} // namespace fuzz
