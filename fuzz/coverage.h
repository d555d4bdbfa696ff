// fuzz/coverage.h — the coverage scan: decides whether a case's edge counters show new coverage.
//
// A feature is an edge together with a class of hit counts (1, 2, 3, 4..7, 8..15, 16..31, 32..127, more),
// numbered edge * 8 + class. The scan runs once per case over all counters, nearly all zero: it tests 32
// bytes at a time. For each group of 8 counters it keeps the last value that had no new feature; a group that
// has this value again is skipped.
#pragma once

#include "base/span.h"
#include "fuzz/arena.h"

namespace fuzz {

constexpr u32 classes_per_edge = 8;
using Feature = u32;

// A hit count's class as one bit, 0 for a count of 0.
u8 class_bit(u8 count);

// Features of one case. A feature that does not fit is dropped without notice, so owners size it by edges.
struct FeatureList {
    Span<Feature> room;
    u32 count = 0;

    void add(Feature feature) {
        if (count < room.size()) room.data()[count++] = feature;
    }
    Span<const Feature> all() const { return {room.data(), count}; }
};

class Coverage {
  public:
    static constexpr usize memory(u32 edges) {
        return room_for<u8>(align_up(edges, 8)) + room_for<u64>(align_up(edges, 8) / 8);
    }
    Coverage(Arena &arena, u32 edges);

    // Whether the piece that begins at counter `first` holds a feature that was not seen before.
    bool shows_new(u32 first, Bytes counters);
    // Marks all features in the piece as seen and adds the new ones to `fresh`.
    void mark(u32 first, Bytes counters, FeatureList &fresh);
    // Whether the piece holds this feature.
    static bool shows(u32 first, Bytes counters, Feature feature);
    // Lists every feature in the piece.
    static void list(u32 first, Bytes counters, FeatureList &features);

    u32 edges() const { return static_cast<u32>(seen_.size()); }
    u32 edges_seen() const { return edges_seen_; }
    u32 features_seen() const { return features_seen_; }
    bool holds(u32 first, usize count) const { return seen_.holds(first, count); }

  private:
    [[gnu::noinline]] bool word_is_new(u32 word_index, u64 word);

    Span<u8> seen_;         // for each edge, one bit per class seen; padded to whole words
    Span<u64> nothing_new_; // for each 8 counters, the last word without new features
    u32 edges_seen_ = 0;
    u32 features_seen_ = 0;
};

} // namespace fuzz
