// fuzz/corpus.cpp — see corpus.h.
#include "fuzz/corpus.h"

#include "base/hash.h"

namespace fuzz {

namespace {

// Precedes each input's bytes in the log; unused when its entry points elsewhere.
struct LogHeader {
    u32 entry;
    u32 size;
};
constexpr u32 log_size(usize size) { return static_cast<u32>(align_up(sizeof(LogHeader) + size, 8)); }

} // namespace

Corpus::Corpus(Arena &arena, const CorpusSize &size)
    : entries_(arena.take<Entry>(size.entries)), live_(arena.take<u32>(size.entries, 0u)),
      position_(arena.take<u32>(size.entries, 0u)),
      owner_(arena.take<u32>(size.edges * usize{classes_per_edge}, no_entry)),
      hits_(arena.take<u32>(size.edges * usize{classes_per_edge}, 0u)),
      known_(arena.take<Feature>(size.edges * usize{classes_per_edge}, 0u)),
      bytes_(arena.take<u8>(size.bytes, u8{0})) {}

bool Corpus::store(u32 number, Bytes data) {
    const u32 needed = log_size(data.size());
    if (needed > bytes_.size() - bytes_used_) return false;
    const LogHeader header{number, static_cast<u32>(data.size())};
    __builtin_memcpy(bytes_.data() + bytes_used_, &header, sizeof header);
    Entry &entry = entries_[number];
    entry.offset = bytes_used_ + static_cast<u32>(sizeof header);
    entry.size = header.size;
    entry.hash = xxh64(data);
    if (!data.empty()) __builtin_memcpy(bytes_.data() + entry.offset, data.data(), data.size());
    bytes_used_ += needed;
    return true;
}

void Corpus::compact() {
    u32 to = 0;
    for (u32 from = 0; from < bytes_used_;) {
        LogHeader header;
        __builtin_memcpy(&header, bytes_.data() + from, sizeof header);
        const u32 length = log_size(header.size);
        Entry &entry = entries_[header.entry];
        if (entry.live && entry.offset == from + sizeof header) {
            __builtin_memmove(bytes_.data() + to, bytes_.data() + from, length);
            entry.offset = to + static_cast<u32>(sizeof header);
            to += length;
        }
        from += length;
    }
    bytes_used_ = to;
}

void Corpus::remove(u32 number) {
    Entry &entry = entries_[number];
    if (entry.owned != 0)
        for (u32 &owner : owner_)
            if (owner == number) owner = no_entry;
    entry.live = false;
    entry.owned = 0;
    const u32 last = live_[--live_count_];
    live_[position_[number]] = last;
    position_[last] = position_[number];
    ++evicted_;
}

// Frees an entry and enough bytes for an input of `size` that would own `worth` features: evicts first the
// inputs that own nothing, then those that own less.
bool Corpus::make_room(usize size, u32 worth) {
    for (;;) {
        if (log_size(size) > bytes_.size() - bytes_used_) compact();
        if (live_count_ < entries_.size() && log_size(size) <= bytes_.size() - bytes_used_) return true;
        u32 victim = no_entry;
        for (u32 i = 0; i < live_count_; ++i) {
            const Entry &entry = entries_[live_[i]];
            if (victim == no_entry || entry.owned < entries_[victim].owned ||
                (entry.owned == entries_[victim].owned && entry.size > entries_[victim].size))
                victim = live_[i];
        }
        if (victim == no_entry || entries_[victim].owned > worth) return false;
        remove(victim);
    }
}

void Corpus::take_features(u32 number, Span<const Feature> features) {
    Entry &entry = entries_[number];
    for (const Feature feature : features) {
        u32 &owner = owner_[feature];
        if (owner == number) continue;
        if (owner == no_entry) {
            if (hits_[feature] == 0) {
                known_[known_count_++] = feature;
                hits_[feature] = 1;
            }
        } else {
            if (entries_[owner].size <= entry.size) continue;
            --entries_[owner].owned;
        }
        owner = number;
        ++entry.owned;
        entry.witness = feature;
    }
}

u32 Corpus::add(Bytes data, Span<const Feature> features, const Entry &about) {
    u32 worth = 0;
    for (const Feature feature : features) {
        const u32 owner = owner_[feature];
        if (owner == no_entry || entries_[owner].size > data.size()) ++worth;
    }
    if (!make_room(data.size(), worth)) {
        ++refused_;
        return no_entry;
    }
    u32 number = end_;
    if (end_ < entries_.size()) {
        ++end_;
    } else {
        for (number = 0; entries_[number].live; ++number) {
        }
    }
    entries_[number] = about;
    entries_[number].owned = 0;
    entries_[number].live = true;
    CHECK(store(number, data), "make_room freed enough bytes", data.size());
    position_[number] = live_count_;
    live_[live_count_++] = number;
    take_features(number, features);
    return number;
}

void Corpus::replace(u32 number, Bytes data, Span<const Feature> features) {
    Entry &entry = entries_[number];
    CHECK(data.size() <= entry.size, "a replacement is not larger", data.size(), entry.size);
    if (log_size(data.size()) > bytes_.size() - bytes_used_) {
        // The smaller bytes fit in the place of the larger ones; the log's header keeps the old length.
        if (!data.empty()) __builtin_memmove(bytes_.data() + entry.offset, data.data(), data.size());
        entry.size = static_cast<u32>(data.size());
        entry.hash = xxh64(data);
    } else {
        CHECK(store(number, data), "the room was checked", data.size());
    }
    take_features(number, features);
}

bool Corpus::witness(u32 number, Feature &feature) {
    Entry &entry = entries_[number];
    if (entry.owned == 0) return false;
    // Another input may own the old witness now; this is rare enough for a search.
    for (u32 i = 0; owner_.data()[entry.witness] != number; ++i) entry.witness = known_[i];
    feature = entry.witness;
    return true;
}

bool Corpus::covers(Span<const Feature> features, u32 number) const {
    u32 shared = 0;
    for (const Feature feature : features) shared += owner_.data()[feature] == number;
    return shared != 0 && shared == entries_[number].owned;
}

void Corpus::count_hits(Span<const Feature> features) {
    for (const Feature feature : features) {
        u32 &hits = hits_.data()[feature];
        // A feature whose input was refused stays unknown.
        if (hits != 0 && hits != ~0u) ++hits;
    }
}

} // namespace fuzz
