// fuzz/mutators/dictionary.h — tokens that mutators put into inputs: given ones, and learned ones, the
// constants that the target compares with.
//
// The host reads dictionaries of AFL++ and libFuzzer (tools/rl/images/dictionary.py) and packs the tokens:
// for each its size in two bytes, little endian, then its bytes; ascending by size, then by content.
#pragma once

#include "base/random.h"
#include "fuzz/arena.h"
#include "rstate/result.h"

namespace fuzz {

constexpr usize max_learned_size = 64;

// Packed tokens that were checked. They stay where they are: all cores read the bundle's.
class GivenTokens {
  public:
    GivenTokens() = default;
    static rstate::Result<GivenTokens> read(Bytes packed);

    u32 count() const { return count_; }
    Bytes packed() const { return packed_; }
    // The token whose size stands at `offset`.
    Bytes at(u32 offset) const;

  private:
    GivenTokens(Bytes packed, u32 count) : packed_(packed), count_(count) {}
    Bytes packed_;
    u32 count_ = 0;
};

class Dictionary {
  public:
    static constexpr usize memory(u32 given, u32 learned) {
        return room_for<u32>(given) + room_for<Entry>(learned);
    }
    // The given tokens outlive the dictionary. Room for so many learned ones.
    Dictionary(Arena &arena, const GivenTokens &given, u32 learned);

    // Adds a learned token, in place of the oldest learned one when there is no room. Cheap for a token that
    // was learned recently.
    void learn(Bytes token);

    bool empty() const { return given() + learned_ == 0; }
    u32 given() const { return given_.count(); }
    u32 learned() const { return learned_; }
    // The given ones come first.
    Bytes token(u32 number) const;
    Bytes random_token(Random &random) const;

  private:
    struct Entry {
        u8 size = 0;
        u8 bytes[max_learned_size] = {};
    };
    bool was_given(Bytes token) const;
    bool knows(Bytes token) const;
    bool filtered(Bytes token);

    GivenTokens given_;
    Span<u32> offsets_; // of the given ones
    Span<Entry> entries_;
    u32 learned_ = 0;
    u32 next_learned_ = 0; // the learned token that is replaced next
    u64 filter_[64] = {};  // a bit for each hash of a token learned since the last round of replacements
};

} // namespace fuzz
