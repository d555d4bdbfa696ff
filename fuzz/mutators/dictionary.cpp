// fuzz/mutators/dictionary.cpp — see dictionary.h.
#include "fuzz/mutators/dictionary.h"

#include "fuzz/codes.h"

namespace fuzz {

namespace {

constexpr u32 size_bytes = 2;

u32 size_at(Bytes packed, u32 offset) { return packed[offset] | static_cast<u32>(packed[offset + 1]) << 8; }

// The order of packed tokens: negative, zero or positive.
int order(Bytes a, Bytes b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    return __builtin_memcmp(a.data(), b.data(), a.size());
}

} // namespace

rstate::Result<GivenTokens> GivenTokens::read(Bytes packed) {
    if (packed.size() > ~u32{0})
        return FAIL(bad_dictionary, "the packed tokens are too many bytes", packed.size());
    u32 count = 0;
    Bytes last;
    for (usize offset = 0; offset < packed.size(); ++count) {
        if (!packed.holds(offset, size_bytes))
            return FAIL(bad_dictionary, "the packed tokens end inside a size", count, packed.size());
        const u32 size = size_at(packed, static_cast<u32>(offset));
        offset += size_bytes;
        if (size == 0 || !packed.holds(offset, size))
            return FAIL(bad_dictionary, "a packed token is empty, or ends behind the last one", count, size);
        const Bytes token = packed.sub(offset, size);
        if (count != 0 && order(last, token) >= 0)
            return FAIL(bad_dictionary, "the packed tokens are not in order", count, size);
        last = token;
        offset += size;
    }
    return GivenTokens(packed, count);
}

Bytes GivenTokens::at(u32 offset) const { return packed_.sub(offset + size_bytes, size_at(packed_, offset)); }

Dictionary::Dictionary(Arena &arena, const GivenTokens &given, u32 learned)
    : given_(given), offsets_(arena.take<u32>(given.count())), entries_(arena.take<Entry>(learned)) {
    u32 offset = 0;
    for (u32 &one : offsets_) {
        one = offset;
        offset += size_bytes + static_cast<u32>(given.at(offset).size());
    }
}

Bytes Dictionary::token(u32 number) const {
    if (number < given()) return given_.at(offsets_[number]);
    const Entry &entry = entries_[number - given()];
    return {entry.bytes, entry.size};
}

// Half of the tokens are learned ones where thousands were given: what the target compares with is worth more
// than its share.
Bytes Dictionary::random_token(Random &random) const {
    if (learned_ != 0 && given() > learned_ && random.one_in(2))
        return token(given() + static_cast<u32>(random.below(learned_)));
    return token(static_cast<u32>(random.below(given() + learned_)));
}

bool Dictionary::was_given(Bytes token) const {
    u32 from = 0, to = given();
    while (from < to) {
        const u32 middle = from + (to - from) / 2;
        const int compared = order(this->token(middle), token);
        if (compared == 0) return true;
        if (compared < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

bool Dictionary::knows(Bytes token) const {
    for (u32 i = 0; i < learned_; ++i)
        if (order(this->token(given() + i), token) == 0) return true;
    return was_given(token);
}

// A cheap first test: targets compare with the same few hundred constants in every case.
bool Dictionary::filtered(Bytes token) {
    u64 hash = token.size();
    for (const u8 byte : token) hash = (hash + byte) * 0x9e3779b97f4a7c15;
    u64 &word = filter_[hash >> 58];
    const u64 bit = 1ul << ((hash >> 52) & 63);
    const bool seen = (word & bit) != 0;
    word |= bit;
    return seen;
}

void Dictionary::learn(Bytes token) {
    const u32 room = static_cast<u32>(entries_.size());
    if (room == 0 || token.empty() || token.size() > max_learned_size) return;
    if (filtered(token) || knows(token)) return;
    if (learned_ < room) ++learned_;
    Entry &slot = entries_[next_learned_];
    next_learned_ = (next_learned_ + 1) % room;
    if (next_learned_ == 0) __builtin_memset(filter_, 0, sizeof filter_);
    slot.size = static_cast<u8>(token.size());
    __builtin_memcpy(slot.bytes, token.data(), token.size());
}

} // namespace fuzz
