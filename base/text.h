// base/text.h — a view of characters, not NUL-terminated, and the few questions asked of one.
#pragma once

#include "base/span.h"
#include "base/types.h"

class Text {
  public:
    constexpr Text() = default;
    constexpr Text(const char *data, usize size) : data_(data), size_(size) {}
    // A literal's length is known while compiling; any other array ends at its first zero.
    template <usize n>
    [[gnu::always_inline]] constexpr Text(const char (&array)[n])
        : data_(array),
          size_(n > 1 && __builtin_constant_p(array[n > 1 ? n - 2 : 0]) && array[n > 1 ? n - 2 : 0] != 0
                    ? n - 1
                    : __builtin_strlen(array)) {}
    template <class T>
    requires std::is_same_v<T, const char *> || std::is_same_v<T, char *>
    constexpr Text(T zero_terminated) : data_(zero_terminated), size_(__builtin_strlen(zero_terminated)) {}
    // At most `bytes`' size, ending early at a NUL: for fixed name fields read from outside.
    static Text from_field(Bytes bytes);

    constexpr const char *data() const { return data_; }
    constexpr usize size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr const char *begin() const { return data_; }
    constexpr const char *end() const { return data_ + size_; }
    constexpr char operator[](usize i) const { return data_[i]; }
    constexpr Text sub(usize from, usize count) const {
        from = min(from, size_);
        return {data_ + from, min(count, size_ - from)};
    }
    constexpr Text from(usize start) const { return sub(start, size_); }
    Bytes bytes() const { return {reinterpret_cast<const u8 *>(data_), size_}; }

    bool operator==(Text other) const;
    bool starts_with(Text prefix) const;
    // Index of the first `c`, or size() when there is none.
    usize find(char c) const;

  private:
    const char *data_ = "";
    usize size_ = 0;
};

// Decimal, or hexadecimal behind 0x. False when it is empty, has other characters, or does not fit.
[[nodiscard]] bool parse_number(Text text, u64 &number);

// Shell-like pattern with * and ?, as test filters use.
bool matches_glob(Text pattern, Text name);
