// base/text.cpp — see text.h.
#include "base/text.h"

Text Text::from_field(Bytes bytes) {
    usize length = 0;
    while (length < bytes.size() && bytes.data()[length] != 0) ++length;
    return {reinterpret_cast<const char *>(bytes.data()), length};
}

bool Text::operator==(Text other) const {
    if (size_ != other.size_) return false;
    for (usize i = 0; i < size_; ++i)
        if (data_[i] != other.data_[i]) return false;
    return true;
}

bool Text::starts_with(Text prefix) const { return prefix.size_ <= size_ && sub(0, prefix.size_) == prefix; }

usize Text::find(char c) const {
    usize i = 0;
    while (i < size_ && data_[i] != c) ++i;
    return i;
}

static bool digit_value(char c, u64 base, u64 &value) {
    if (c >= '0' && c <= '9')
        value = static_cast<u64>(c - '0');
    else if (c >= 'a' && c <= 'f')
        value = static_cast<u64>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        value = static_cast<u64>(c - 'A') + 10;
    else
        return false;
    return value < base;
}

bool parse_number(Text text, u64 &number) {
    const bool hexadecimal = text.starts_with("0x");
    const u64 base = hexadecimal ? 16 : 10;
    const Text digits = hexadecimal ? text.from(2) : text;
    if (digits.empty()) return false;
    u64 result = 0;
    for (const char c : digits) {
        u64 digit = 0;
        if (!digit_value(c, base, digit)) return false;
        if (!mul_checked(result, base, result) || !add_checked(result, digit, result)) return false;
    }
    number = result;
    return true;
}

bool matches_glob(Text pattern, Text name) {
    usize p = 0, n = 0, star = pattern.size(), retry = 0;
    while (n < name.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
            ++p, ++n;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = n;
        } else if (star < pattern.size()) {
            p = star + 1;
            n = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}
