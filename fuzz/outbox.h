// fuzz/outbox.h — the messages that one core queues for the console: crashes, statistics and everything else,
// sent in this order.
//
// A message is one or several lines that stay together, ended by a zero byte which is not sent. Only the core
// writes its queues, and it never waits: a message that does not fit is refused as a whole, and the writer
// tries again later. The core that sends to the console reads, under the kernel's console lock.
#pragma once

#include "base/atomic.h"
#include "base/format.h"
#include "fuzz/arena.h"
#include "fuzz/printed.h"
#include "vm/outcome.h"

namespace fuzz {

// A ring of bytes with one writer and one reader.
class ByteQueue {
  public:
    static constexpr usize memory(u32 capacity) { return room_for<u8>(capacity); }
    // `capacity` is a power of two.
    ByteQueue(Arena &arena, u32 capacity) : room_(arena.take<u8>(capacity, u8{0})) {
        CHECK(capacity != 0 && (capacity & (capacity - 1)) == 0, "a ring's size is a power of two", capacity);
    }

    // For the writer: text added after `begin` becomes visible as a whole at `commit`, or not at all when
    // some of it did not fit (false).
    Output begin();
    bool commit();

    // For the reader: returns the next contiguous bytes; drops some of them.
    Bytes peek() const;
    void drop(usize count) { read_.store(read_.load() + count, Order::release); }
    bool empty() const { return read_.load() == written_.load(Order::acquire); }

  private:
    static void append_to(void *self, Text text);

    Span<u8> room_;
    u64 draft_ = 0; // of the writer: end of the text added since begin
    bool cut_ = false;
    Atomic<u64> written_, read_; // byte counts since start
};

class Outbox {
  public:
    static constexpr u32 statistics_capacity = 1u << 16; // enough for one record over max_cores
    static constexpr usize memory(u32 capacity) {
        return 2 * ByteQueue::memory(capacity) + ByteQueue::memory(statistics_capacity);
    }
    Outbox(Arena &arena, u32 capacity)
        : urgent(arena, capacity), statistics(arena, statistics_capacity), ordinary(arena, capacity) {}
    bool empty() const { return urgent.empty() && statistics.empty() && ordinary.empty(); }

    ByteQueue urgent;     // crashes
    ByteQueue statistics; // never wait behind corpus entries, which may be more than a serial line can send
    ByteQueue ordinary;   // corpus entries, timeouts
};

// A crash's chain: its longest line, and as many as print_crash_chain writes at most: seven of the crash
// itself, the target's frames and their recursion, those of the block's allocation and of its release with a
// title each, what the target printed, and of a deadlock the innermost frames of each thread with a title.
constexpr u32 longest_chain_line = 400;
constexpr u32 chain_thread_frames = 4;
constexpr u32 most_chain_lines = 7 + vm::max_target_frames + vm::max_recursions +
                                 2 * (1 + vm::max_site_frames) + most_printed_lines +
                                 vm::max_threads * (1 + chain_thread_frames);
// The crash's record without its input: its fields, what the target printed, the threads' stacks.
constexpr u32 longest_crash_fields =
    (4u << 10) + (vm::most_printed + 2) / 3 * 4 + vm::max_threads * (64 + vm::max_thread_frames * 21);

// The longest input that is kept, and sent, as it was before it was minimized.
constexpr u32 longest_original = 16u << 10;

// A capacity at which an empty queue has room for a crash with an input of `max_len` bytes: its chain, then
// its record. A crash that did not fit could never be reported.
constexpr u32 outbox_capacity(u32 max_len) {
    const u32 needed = (max_len + 2) / 3 * 4 + (min(max_len, longest_original) + 2) / 3 * 4 +
                       most_chain_lines * (longest_chain_line + 1) + longest_crash_fields;
    u32 capacity = 1u << 16;
    while (capacity < needed) capacity *= 2;
    return capacity;
}

// Merges the outboxes of all cores into one stream of whole messages: all urgent ones first, then statistics,
// then the ordinary ones of the cores in turn. One object, used under the console's lock.
class Merger {
  public:
    // The next bytes to send, at most `limit`; empty when nothing is queued.
    Bytes next(Span<Outbox *const> outboxes, usize limit);
    // The caller has sent the first `count` of them.
    void sent(usize count);
    // Whether a message is sent in part: nothing else may be written to the line before its end.
    bool in_message() const { return current_ != nullptr && current_->peek()[0] != 0; }

  private:
    ByteQueue *choose(Span<Outbox *const> outboxes);

    ByteQueue *current_ = nullptr; // whose message is being sent
    usize offered_ = 0;
    usize turn_ = 0;
};

} // namespace fuzz
