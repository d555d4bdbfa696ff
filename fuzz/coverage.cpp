// fuzz/coverage.cpp — see coverage.h.
#include "fuzz/coverage.h"

namespace fuzz {

namespace {

constexpr u8 class_of(u32 count) {
    if (count <= 3) return static_cast<u8>(count == 0 ? 0 : 1u << (count - 1));
    if (count < 8) return 1 << 3;
    if (count < 16) return 1 << 4;
    if (count < 32) return 1 << 5;
    return count < 128 ? 1 << 6 : 1 << 7;
}

struct ClassTable {
    u8 bits[256] = {};
    constexpr ClassTable() {
        for (u32 i = 0; i < 256; ++i) bits[i] = class_of(i);
    }
};
constexpr ClassTable table;

u64 load(const u8 *bytes) {
    u64 word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

// Calls `visit(word_index, word)` for each group of 8 counters with one that is not zero; true as soon as a
// visit is. Counters before the first and behind the last whole group come as words padded with zeros.
template <class F> bool for_words(u32 first, Bytes counters, F &&visit) {
    const u8 *at = counters.data();
    const u8 *const end = at + counters.size();
    u32 index = first / 8;
    if (const u32 skipped = first % 8; skipped != 0 && at < end) {
        u64 word = 0;
        for (u32 byte = skipped; byte < 8 && at < end; ++byte) word |= static_cast<u64>(*at++) << (8 * byte);
        if (word != 0 && visit(index, word)) return true;
        ++index;
    }
    while (end - at >= 32) {
        const u64 a = load(at), b = load(at + 8), c = load(at + 16), d = load(at + 24);
        if ((a | b | c | d) != 0) [[unlikely]] {
            if (a != 0 && visit(index, a)) return true;
            if (b != 0 && visit(index + 1, b)) return true;
            if (c != 0 && visit(index + 2, c)) return true;
            if (d != 0 && visit(index + 3, d)) return true;
        }
        at += 32, index += 4;
    }
    for (; at < end; ++index) {
        u64 word = 0;
        for (u32 byte = 0; byte < 8 && at < end; ++byte) word |= static_cast<u64>(*at++) << (8 * byte);
        if (word != 0 && visit(index, word)) return true;
    }
    return false;
}

// Calls `visit(edge, class bit)` for each counter of a word that is not zero.
template <class F> void for_counters(u32 word_index, u64 word, F &&visit) {
    while (word != 0) {
        const u32 byte = static_cast<u32>(__builtin_ctzl(word)) / 8;
        visit(word_index * 8 + byte, table.bits[(word >> (8 * byte)) & 0xff]);
        word &= ~(0xfful << (8 * byte));
    }
}

} // namespace

u8 class_bit(u8 count) { return table.bits[count]; }

Coverage::Coverage(Arena &arena, u32 edges)
    : seen_(arena.take<u8>(align_up(edges, 8), u8{0}).first(edges)),
      boring_(arena.take<u64>(align_up(edges, 8) / 8, 0ul)) {}

bool Coverage::word_is_new(u32 word_index, u64 word) {
    if (boring_.data()[word_index] == word) return false;
    bool fresh = false;
    for_counters(word_index, word, [&](u32 edge, u8 bit) { fresh |= (bit & ~seen_.data()[edge]) != 0; });
    if (!fresh) boring_.data()[word_index] = word;
    return fresh;
}

bool Coverage::shows_new(u32 first, Bytes counters) {
    CHECK(holds(first, counters.size()), "counters were checked against their number", first,
          counters.size());
    return for_words(first, counters, [this](u32 index, u64 word) { return word_is_new(index, word); });
}

void Coverage::mark(u32 first, Bytes counters, FeatureList &fresh) {
    CHECK(holds(first, counters.size()), "counters were checked against their number", first,
          counters.size());
    for_words(first, counters, [&](u32 index, u64 word) {
        for_counters(index, word, [&](u32 edge, u8 bit) {
            u8 &seen = seen_.data()[edge];
            if ((bit & ~seen) == 0) return;
            if (seen == 0) ++edges_seen_;
            ++features_seen_;
            seen = static_cast<u8>(seen | bit);
            fresh.add(edge * classes_per_edge + static_cast<u32>(__builtin_ctz(bit)));
        });
        return false;
    });
}

void Coverage::list(u32 first, Bytes counters, FeatureList &features) {
    for_words(first, counters, [&](u32 index, u64 word) {
        for_counters(index, word, [&](u32 edge, u8 bit) {
            features.add(edge * classes_per_edge + static_cast<u32>(__builtin_ctz(bit)));
        });
        return false;
    });
}

} // namespace fuzz
