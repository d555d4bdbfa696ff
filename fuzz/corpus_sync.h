// fuzz/corpus_sync.h — how cores show each other new inputs without a lock: a ring for each core that it
// alone writes and all others read.
//
// A writer never waits: it overwrites the oldest messages. A reader that was overtaken, before or while it
// copied, notices by the writer's reservation, drops what it has and goes on at the newest message.
//
//   message: size in bytes | XXH64 of the bytes | the bytes, padded to 8
#pragma once

#include "base/atomic.h"
#include "fuzz/arena.h"
#include "fuzz/buffer.h"

namespace fuzz {

class Lane {
  public:
    static constexpr usize memory(u32 words) { return room_for<Atomic<u64>>(words); }
    // `words` is a power of two.
    Lane(Arena &arena, u32 words);

    // False when the message could never fit in half the ring.
    bool send(Bytes input, u64 hash);

  private:
    friend class LaneReader;
    void put(u64 position, u64 word) { words_.data()[position & (words_.size() - 1)].store(word); }
    u64 get(u64 position) const { return words_.data()[position & (words_.size() - 1)].load(); }

    Span<Atomic<u64>> words_;
    Atomic<u64> reserved_; // words up to here may be being overwritten
    Atomic<u64> written_;  // words up to here are whole messages
};

// One reader's place in another core's lane.
class LaneReader {
  public:
    enum class Got : u8 { nothing, input, overtaken };

    // Takes at most one message; `input` is what the sender sent only for Got::input.
    Got receive(const Lane &lane, Buffer &input, u64 &hash);

  private:
    u64 position_ = 0;
};

} // namespace fuzz
