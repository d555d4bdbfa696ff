// fuzz/input_line.cpp — see input_line.h.
#include "fuzz/input_line.h"

#include "base/hash.h"

namespace fuzz {

namespace {

constexpr u32 no_digit = ~0u;

u32 hex_digit(u8 byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10u : no_digit;
}

// RFC 4648 section 4 "Base 64 Encoding".
u32 base64_digit(u8 byte) {
    if (byte >= 'A' && byte <= 'Z') return byte - 'A';
    if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26u;
    if (byte >= '0' && byte <= '9') return byte - '0' + 52u;
    if (byte == '+') return 62;
    return byte == '/' ? 63 : no_digit;
}

} // namespace

void InputLine::begin() {
    const MutableBytes room = room_;
    *this = InputLine(room);
}

void InputLine::take(u8 byte) {
    switch (field_) {
    case Field::size:
        return take_size(byte);
    case Field::hash:
        return take_hash(byte);
    case Field::data:
        return take_data(byte);
    }
}

void InputLine::take_size(u8 byte) {
    if (byte == ' ' && digits_ != 0) {
        field_ = Field::hash, digits_ = 0;
        too_long_ = size_ > room_.size();
    } else if (byte >= '0' && byte <= '9' && digits_ < most_digits) {
        size_ = size_ * 10 + (byte - '0'), ++digits_;
    } else {
        damaged_ = true;
    }
}

void InputLine::take_hash(u8 byte) {
    const u32 digit = hex_digit(byte);
    if (byte == ' ' && digits_ == hash_digits) {
        field_ = Field::data;
    } else if (digit != no_digit && digits_ < hash_digits) {
        hash_ = hash_ << 4 | digit, ++digits_;
    } else {
        damaged_ = true;
    }
}

void InputLine::take_data(u8 byte) {
    const u32 digit = base64_digit(byte);
    if (byte == '=') ++padding_;
    if (digit == no_digit || padding_ != 0) { // only padding follows padding
        damaged_ |= byte != '=' || padding_ > 2;
        return;
    }
    bits_ = bits_ << 6 | digit, bit_count_ += 6;
    if (bit_count_ < 8) return;
    bit_count_ -= 8;
    put(static_cast<u8>(bits_ >> bit_count_));
}

void InputLine::put(u8 byte) {
    if (length_ < room_.size() && length_ < size_)
        room_[length_++] = byte;
    else
        damaged_ = true;
}

InputLineStatus InputLine::end() const {
    if (too_long_) return InputLineStatus::too_long;
    const bool whole = !damaged_ && field_ == Field::data && length_ == size_ && xxh64(input()) == hash_;
    return whole ? InputLineStatus::whole : InputLineStatus::damaged;
}

} // namespace fuzz
