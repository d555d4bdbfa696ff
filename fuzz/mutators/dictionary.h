// fuzz/mutators/dictionary.h — tokens that mutators put into inputs: given ones, in the syntax of AFL and
// libFuzzer, and learned ones, the constants that the target compares with.
//
//   # a comment            name="GIF89a"            chunk@2="\x00\x00IHDR"            "bare"
#pragma once

#include "base/random.h"
#include "base/text.h"
#include "fuzz/arena.h"
#include "rstate/result.h"

namespace fuzz {

constexpr usize max_token_size = 64;

class Dictionary {
  public:
    static constexpr usize memory(u32 tokens) { return room_for<Entry>(tokens); }
    // Room for `tokens`, of which at least a quarter is for learned ones.
    Dictionary(Arena &arena, u32 tokens);

    // Reads a whole dictionary and returns the number of tokens added; on an error the lines before the
    // faulty one stay added.
    rstate::Result<u32> parse(Text text);
    // False when the token is empty or too long, or there is no room for another given one; true for a known
    // one.
    bool add(Bytes token);
    // Adds a learned token, in place of the oldest learned one when there is no room. Cheap for a token that
    // was learned recently.
    void learn(Bytes token);

    bool empty() const { return given_ + learned_ == 0; }
    u32 given() const { return given_; }
    u32 learned() const { return learned_; }
    Bytes token(u32 number) const { return {tokens_[number].bytes, tokens_[number].size}; }
    Bytes random_token(Random &random) const {
        return token(static_cast<u32>(random.below(given_ + learned_)));
    }

  private:
    struct Entry {
        u8 size = 0;
        u8 bytes[max_token_size] = {};
    };
    bool knows(Bytes token) const;
    bool filtered(Bytes token);
    rstate::Result<void> parse_line(Text line, u32 number);

    Span<Entry> tokens_; // the given ones first
    u32 given_ = 0, learned_ = 0;
    u32 next_learned_ = 0; // the learned token that is replaced next
    u64 filter_[64] = {};  // a bit for each hash of a token learned since the last round of replacements
};

} // namespace fuzz
