// fuzz/buffer.h — the bytes of an input that is being mutated: a size within a fixed capacity.
#pragma once

#include "base/span.h"

namespace fuzz {

class Buffer {
  public:
    explicit Buffer(MutableBytes room) : room_(room) {}

    u8 *data() { return room_.data(); }
    const u8 *data() const { return room_.data(); }
    usize size() const { return size_; }
    usize capacity() const { return room_.size(); }
    usize left() const { return room_.size() - size_; }
    bool empty() const { return size_ == 0; }
    Bytes bytes() const { return {room_.data(), size_}; }

    // Bytes that do not fit are cut off.
    void assign(Bytes bytes) {
        size_ = min(bytes.size(), capacity());
        if (size_ != 0) __builtin_memmove(data(), bytes.data(), size_);
    }
    // Inserts `count` zero bytes at `at`. They must not depend on the buffer's old bytes, or the same random
    // seed would not give the same inputs.
    void open(usize at, usize count) {
        CHECK(at <= size_ && count <= left(), "an insertion fits", at, count, size_);
        __builtin_memmove(data() + at + count, data() + at, size_ - at);
        __builtin_memset(data() + at, 0, count);
        size_ += count;
    }
    void erase(usize at, usize count) {
        CHECK(bytes().holds(at, count), "erased bytes lie inside the input", at, count, size_);
        __builtin_memmove(data() + at, data() + at + count, size_ - at - count);
        size_ -= count;
    }
    void insert(usize at, Bytes bytes) {
        open(at, bytes.size());
        if (!bytes.empty()) __builtin_memcpy(data() + at, bytes.data(), bytes.size());
    }
    void overwrite(usize at, Bytes bytes) {
        CHECK(this->bytes().holds(at, bytes.size()), "overwritten bytes lie inside the input", at,
              bytes.size());
        if (!bytes.empty()) __builtin_memmove(data() + at, bytes.data(), bytes.size());
    }
    void resize(usize size) { size_ = min(size, capacity()); }

  private:
    MutableBytes room_;
    usize size_ = 0;
};

} // namespace fuzz
