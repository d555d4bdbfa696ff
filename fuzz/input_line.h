// fuzz/input_line.h — an input that the console gives to a running campaign, decoded as its bytes arrive:
//
//   SIZE HASH BASE64        the size in decimal, XXH64 of the bytes in 16 hexadecimal digits
//
// A serial line may lose bytes, and a user may type anything: only an input with its size and hash is whole.
#pragma once

#include "base/span.h"
#include "base/text.h"

namespace fuzz {

enum class InputLineStatus : u8 { whole, damaged, too_long }; // records.cpp names them

class InputLine final {
  public:
    // The longest input is as long as `room`, which outlives this.
    explicit InputLine(MutableBytes room) : room_(room) {}

    void begin();
    // Any byte of the line but its end.
    void take(u8 byte);
    // At the line's end.
    InputLineStatus end() const;

    // What the line says, right or wrong.
    u64 hash() const { return hash_; }
    // After end() was `whole`, until begin().
    Bytes input() const { return {room_.data(), length_}; }

  private:
    enum class Field : u8 { size, hash, data };
    static constexpr u32 most_digits = 10, hash_digits = 16;

    void take_size(u8 byte);
    void take_hash(u8 byte);
    void take_data(u8 byte);
    void put(u8 byte);

    MutableBytes room_;
    Field field_ = Field::size;
    u64 size_ = 0, hash_ = 0, length_ = 0;
    u32 digits_ = 0;               // of the size or of the hash so far
    u32 bits_ = 0, bit_count_ = 0; // of base64, not yet a whole byte
    u32 padding_ = 0;
    bool damaged_ = false, too_long_ = false;
};

} // namespace fuzz
