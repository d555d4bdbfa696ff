// fuzz/corpus.h — the inputs worth keeping. Which of them to mutate next is fuzz/scheduler.h's decision.
//
// Every feature belongs to the smallest input known to show it. The bytes of all inputs lie in one log that
// is compacted when full.
#pragma once

#include "base/random.h"
#include "base/span.h"
#include "fuzz/arena.h"
#include "fuzz/coverage.h"

namespace fuzz {

constexpr u32 no_entry = ~0u;

// Where an input came from; a `known` one is from an earlier run.
enum class Source : u8 { seed, known, found, imported };

struct Entry {
    u64 hash = 0; // XXH64 of the bytes
    u64 found_case = 0;
    u32 offset = 0, size = 0;
    u32 owned = 0;       // features it is the smallest input for
    u32 fresh_edges = 0; // edges that no earlier input reached
    u32 visits = 0;      // how often the scheduler selected it
    Feature witness = 0; // a feature that it owned at the last update: an input without it cannot replace it
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

    // Keeps an input that shows `features`; `about` gives what the corpus does not compute. Returns the new
    // entry's number, or no_entry when the corpus is full of better inputs.
    u32 add(Bytes data, Span<const Feature> features, const Entry &about);
    // Replaces an entry's input by a smaller one that shows all features that the entry owns.
    void replace(u32 entry, Bytes data, Span<const Feature> features);
    // A feature that `entry` owns, so that an input without it does not cover it; false when it owns none.
    bool witness(u32 entry, Feature &feature);
    // Whether `features` holds every feature that `entry` owns, and it owns any.
    bool covers(Span<const Feature> features, u32 entry) const;
    // Counts that one case hit these features.
    void count_hits(Span<const Feature> features);

    // For the scheduler: the features that were ever owned, in the order of their discovery, and of each its
    // owner (or no_entry) and how many of the counted cases hit it.
    Span<const Feature> known_features() const { return {known_.data(), known_count_}; }
    u32 owner(Feature feature) const { return owner_.data()[feature]; }
    u32 hits(Feature feature) const { return hits_.data()[feature]; }
    // Any input, each with the same chance.
    u32 any(Random &random) const { return live_.data()[random.below(live_count_)]; }

    bool empty() const { return live_count_ == 0; }
    // Entries below this number were used; some of them may not be live any more.
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
    bool make_room(usize size, u32 worth);
    void remove(u32 number);
    void take_features(u32 number, Span<const Feature> features);

    Span<Entry> entries_;
    Span<u32> live_;      // numbers of live entries, packed
    Span<u32> position_;  // the place of an entry in live_
    Span<u32> owner_;     // of each feature
    Span<u32> hits_;      // of each feature; 0: no input that showed it was ever kept
    Span<Feature> known_; // features in the order of their discovery
    Span<u8> bytes_;
    u32 end_ = 0, live_count_ = 0, known_count_ = 0;
    u32 bytes_used_ = 0;
    u32 evicted_ = 0, refused_ = 0;
};

} // namespace fuzz
