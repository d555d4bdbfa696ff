// base/format.h — type-safe text formatting into any sink, without allocation.
//
//   print(out, "core {} faulted at {x}", core, address);
//
// `{}` prints numbers in decimal and addresses in hexadecimal, `{x}` forces hexadecimal with 0x,
// `{h}` sixteen hexadecimal digits without it, `{c}` a character. A surplus `{}` prints as it stands.
// Text from outside, such as a name in a target's symbol table, is printed through `escaped(text)`.
#pragma once

#include "base/addr.h"
#include "base/text.h"
#include "base/types.h"

// Where characters go: a function and its context. A virtual table would need relocation first.
struct Output {
    void (*write)(void *context, Text text) = nullptr;
    void *context = nullptr;

    void operator()(Text text) const { write(context, text); }
};

// Bytes of unknown origin as one word of printable ASCII: each other byte, blanks and backslashes become
// "\xNN", so the word can neither end a line or a column nor hold a terminal's escape sequence. At most
// `longest` characters, then "...".
struct Escaped {
    static constexpr usize longest = 120;
    Text text;
};
constexpr Escaped escaped(Text text) { return {text}; }

struct FormatArgument {
    enum class Kind : u8 { number, negative, address, text, escaped, truth };
    Kind kind;
    union {
        u64 number;
        const char *characters;
    };
    usize size = 0; // of a text

    template <class T>
    requires std::is_integral_v<T>
    constexpr FormatArgument(T value) : kind(Kind::number), number(static_cast<u64>(value)) {
        if constexpr (std::is_same_v<T, bool>) {
            kind = Kind::truth;
        } else if (std::is_signed_v<T> && value < T(0)) {
            kind = Kind::negative, number = 0 - static_cast<u64>(static_cast<i64>(value));
        }
    }
    template <class T>
    requires std::is_enum_v<T>
    constexpr FormatArgument(T value) : kind(Kind::number), number(static_cast<u64>(value)) {}
    template <class Space> constexpr FormatArgument(Addr<Space> a) : kind(Kind::address), number(a.value()) {}
    constexpr FormatArgument(Text t) : kind(Kind::text), characters(t.data()), size(t.size()) {}
    constexpr FormatArgument(const char *t) : FormatArgument(Text(t)) {}
    constexpr FormatArgument(Escaped e)
        : kind(Kind::escaped), characters(e.text.data()), size(e.text.size()) {}
    FormatArgument(const void *p) : kind(Kind::address), number(reinterpret_cast<u64>(p)) {}

    constexpr Text text() const { return {characters, size}; }
};

void print_arguments(const Output &out, Text pattern, Span<const FormatArgument> arguments);

template <class... Ts> void print(const Output &out, Text pattern, const Ts &...values) {
    if constexpr (sizeof...(Ts) == 0) {
        print_arguments(out, pattern, {});
    } else {
        const FormatArgument arguments[] = {FormatArgument(values)...};
        print_arguments(out, pattern, arguments);
    }
}

// A buffer that formatted text goes into; what does not fit is cut off and `cut()` says so.
template <usize capacity> class TextBuffer {
  public:
    Output output() { return {&append_to, this}; }
    template <class... Ts> TextBuffer &add(Text pattern, const Ts &...values) {
        print(output(), pattern, values...);
        return *this;
    }
    // What the text must end with, however long it is: what does not fit before it is cut, and it shows.
    TextBuffer &end_with(Text tail) {
        constexpr Text mark = " ...";
        if (cut_ || size_ + tail.size() > capacity) {
            clear_from(capacity - min(tail.size() + mark.size(), capacity));
            append_to(this, mark);
        }
        append_to(this, tail);
        return *this;
    }
    Text text() const { return {characters_, size_}; }
    usize size() const { return size_; }
    bool cut() const { return cut_; }
    void clear() { size_ = 0, cut_ = false; }

  private:
    void clear_from(usize size) { size_ = min(size_, size), cut_ = false; }
    static void append_to(void *self, Text text) {
        auto &buffer = *static_cast<TextBuffer *>(self);
        for (const char c : text) {
            if (buffer.size_ == capacity) {
                buffer.cut_ = true;
                return;
            }
            buffer.characters_[buffer.size_++] = c;
        }
    }
    usize size_ = 0;
    bool cut_ = false;
    char characters_[capacity];
};
