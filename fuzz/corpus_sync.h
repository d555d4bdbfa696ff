// fuzz/corpus_sync.h — corpus sync between cores without a lock: each core has a ring of new inputs that it
// alone writes and all other cores read.
//
// A writer never waits: it overwrites the oldest messages. A reader that was overtaken, before or while it
// copied, detects this by the writer's reservation, drops its copy, and continues at the newest message.
//
//   message: size in bytes | XXH64 of the bytes | the bytes, padded to 8
#pragma once

#include "base/atomic.h"
#include "fuzz/arena.h"
#include "fuzz/buffer.h"

namespace fuzz {

class InputRing {
  public:
    static constexpr usize memory(u32 words) { return room_for<Atomic<u64>>(words); }
    // `words` is a power of two.
    InputRing(Arena &arena, u32 words);

    static constexpr usize longest_input(u32 words) { return (words / 2 - header_words) * sizeof(u64); }
    // False when the message is larger than half the ring: the input is longer than longest_input.
    bool send(Bytes input, u64 hash);

  private:
    friend class InputRingReader;
    static constexpr u64 header_words = 2;
    static constexpr u64 words_for(u64 bytes) { return header_words + (bytes + 7) / 8; }
    void put(u64 position, u64 word) { words_.data()[position & (words_.size() - 1)].store(word); }
    u64 get(u64 position) const { return words_.data()[position & (words_.size() - 1)].load(); }

    Span<Atomic<u64>> words_;
    Atomic<u64> reserved_; // the writer may be overwriting words up to here
    Atomic<u64> written_;  // words up to here are whole messages
};

// The place of one reader in another core's ring.
class InputRingReader {
  public:
    enum class Got : u8 { nothing, input, overtaken };

    // Takes at most one message; `input` and `hash` are valid only for Got::input.
    Got receive(const InputRing &ring, Buffer &input, u64 &hash);

  private:
    u64 position_ = 0;
};

} // namespace fuzz
