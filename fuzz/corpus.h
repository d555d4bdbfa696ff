// fuzz/corpus.h — the inputs worth keeping, and which of them to change next.
//
// Every feature belongs to the smallest input known to show it. To pick an input, a few features are drawn
// and the one that cases have hit least often leads to its owner: inputs that alone reach rare code come up
// often, new ones at once, an input that owns nothing any more hardly ever. Bytes lie in one log that is
// compacted when full.
#pragma once

#include "base/random.h"
#include "base/span.h"
#include "fuzz/arena.h"
#include "fuzz/coverage.h"

namespace fuzz {

constexpr u32 no_entry = ~0u;

// Where an input came from.
enum class Source : u8 { seed, known, found, imported };

struct Entry {
    u64 hash = 0; // XXH64 of the bytes
    u64 found_case = 0;
    u32 offset = 0, size = 0;
    u32 owned = 0;       // features it is the smallest input for
    u32 fresh_edges = 0; // edges nothing before it had reached
    u32 picks = 0;
    Feature witness = 0; // one of those it owned last: an input without it cannot take this one's place
    Source source = Source::found;
    bool live = false;
    bool reported = false;
};

struct CorpusSize {
    u32 entries = 4096;
    u32 bytes = 4u << 20;
    u32 edges = 0;
};

class Corpus {
  public:
    static constexpr usize memory(const CorpusSize &size) {
        const usize features = size.edges * usize{classes_per_edge};
        return room_for<Entry>(size.entries) + room_for<u8>(size.bytes) + 2 * room_for<u32>(size.entries) +
               3 * room_for<u32>(features);
    }
    Corpus(Arena &arena, const CorpusSize &size);

    // Keeps an input that shows `features`; `about` gives what the corpus does not compute. The new entry's
    // number, or no_entry when it is full of better ones.
    u32 add(Bytes data, Span<const Feature> features, const Entry &about);
    // Puts a smaller input in the place of one whose own features it shows too.
    void shrink(u32 entry, Bytes data, Span<const Feature> features);
    // A feature that `entry` owns, so that an input without it does not cover it; false when it owns none.
    bool witness(u32 entry, Feature &feature);
    // Whether `features` holds every feature that `entry` owns, and it owns any.
    bool covers(Span<const Feature> features, u32 entry) const;
    // Counts that a case hit these features: what is seldom hit is picked more.
    void observe(Span<const Feature> features);

    bool empty() const { return live_count_ == 0; }
    u32 pick(Random &random);
    // Any input, all alike.
    u32 pick_any(Random &random) const { return live_.data()[random.below(live_count_)]; }

    // Numbers of entries that were ever in use; some may be dead.
    u32 end() const { return end_; }
    u32 live_count() const { return live_count_; }
    u32 evicted() const { return evicted_; }
    u32 refused() const { return refused_; }
    Entry &entry(u32 number) { return entries_[number]; }
    const Entry &entry(u32 number) const { return entries_[number]; }
    Bytes data(u32 number) const { return {bytes_.data() + entries_[number].offset, entries_[number].size}; }

  private:
    bool store(u32 number, Bytes data);
    void compact();
    bool make_way(usize size, u32 worth);
    void remove(u32 number);
    void own(u32 number, Span<const Feature> features);

    Span<Entry> entries_;
    Span<u32> live_;      // numbers of live entries, packed
    Span<u32> position_;  // where in live_ an entry stands
    Span<u32> owner_;     // of each feature
    Span<u32> hits_;      // of each feature, as far as observed
    Span<Feature> known_; // features in the order of their finding
    Span<u8> bytes_;
    u32 end_ = 0, live_count_ = 0, known_count_ = 0;
    u32 bytes_used_ = 0;
    u32 evicted_ = 0, refused_ = 0;
};

} // namespace fuzz
