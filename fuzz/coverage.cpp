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
    u8 bits[256] = {};    // the class as a bit
    u8 numbers[256] = {}; // the bit's number
    constexpr ClassTable() {
        for (u32 i = 1; i < 256; ++i) {
            bits[i] = class_of(i);
            while (1u << numbers[i] != bits[i]) ++numbers[i];
        }
    }
};
constexpr ClassTable table;

u64 load(const u8 *bytes) {
    u64 word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

// Calls `visit(word_index, word)` for each group of 8 counters that are not all zero; ends with true when a
// visit returns true. The counters before the first and behind the last whole group are padded with zeros.
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
    const u8 *const whole = at;
    const u32 whole_index = index;
    for (; end - at >= 32; at += 32) {
        if ((load(at) | load(at + 8) | load(at + 16) | load(at + 24)) == 0) [[likely]]
            continue;
        index = whole_index + static_cast<u32>(at - whole) / 8;
        for (u32 i = 0; i < 4; ++i)
            if (const u64 word = load(at + 8 * i); word != 0 && visit(index + i, word)) return true;
    }
    index = whole_index + static_cast<u32>(at - whole) / 8;
    for (; at < end; ++index) {
        u64 word = 0;
        for (u32 byte = 0; byte < 8 && at < end; ++byte) word |= static_cast<u64>(*at++) << (8 * byte);
        if (word != 0 && visit(index, word)) return true;
    }
    return false;
}

// Calls `visit(shift, class bit)` for each counter of a word that is not zero, lowest first.
template <class F> [[gnu::always_inline]] inline void for_counters(u64 word, F &&visit) {
    u32 shift = 0;
    while (word != 0) {
        const u32 zeros = static_cast<u32>(__builtin_ctzl(word)) & 56;
        shift += zeros;
        word >>= zeros;
        visit(shift, table.bits[word & 0xff]);
        word = (word & ~0xfful) >> 8;
        shift += 8;
    }
}

} // namespace

u8 class_bit(u8 count) { return table.bits[count]; }

Coverage::Coverage(Arena &arena, u32 edges)
    : seen_(arena.take<u8>(align_up(edges, 8), u8{0}).first(edges)),
      nothing_new_(arena.take<u64>(align_up(edges, 8) / 8, 0ul)) {}

bool Coverage::word_is_new(u32 word_index, u64 word) {
    u64 classes = 0;
    for_counters(word, [&](u32 shift, u8 bit) { classes |= static_cast<u64>(bit) << shift; });
    const bool fresh = (classes & ~load(seen_.data() + word_index * 8)) != 0;
    if (!fresh) nothing_new_.data()[word_index] = word;
    return fresh;
}

bool Coverage::shows_new(u32 first, Bytes counters) {
    CHECK(holds(first, counters.size()), "counters were checked against their number", first,
          counters.size());
    const u64 *const nothing_new = nothing_new_.data();
    return for_words(first, counters, [this, nothing_new](u32 index, u64 word) {
        return nothing_new[index] != word && word_is_new(index, word);
    });
}

void Coverage::mark(u32 first, Bytes counters, FeatureList &fresh) {
    CHECK(holds(first, counters.size()), "counters were checked against their number", first,
          counters.size());
    for_words(first, counters, [&](u32 index, u64 word) {
        for_counters(word, [&](u32 shift, u8 bit) {
            const u32 edge = index * 8 + shift / 8;
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

bool Coverage::shows(u32 first, Bytes counters, Feature feature) {
    const u32 edge = feature / classes_per_edge;
    return edge >= first && edge - first < counters.size() &&
           class_bit(counters[edge - first]) == 1u << feature % classes_per_edge;
}

void Coverage::list(u32 first, Bytes counters, FeatureList &features) {
    // Local copies: through `features` the compiler would reload them after each store, which may alias.
    Feature *const room = features.room.data();
    const u32 size = static_cast<u32>(features.room.size());
    u32 count = features.count;
    for_words(first, counters, [&](u32 index, u64 word) {
        for (Feature feature = index * 8 * classes_per_edge; word != 0;
             word >>= 8, feature += classes_per_edge)
            if (const u32 hits = word & 0xff; hits != 0 && count < size)
                room[count++] = feature + table.numbers[hits];
        return false;
    });
    features.count = count;
}

} // namespace fuzz
