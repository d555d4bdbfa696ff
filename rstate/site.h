// rstate/site.h — the constant half of an error frame: where in the source, and what was being attempted.
#pragma once

#include "base/types.h"

namespace rstate {

// What went wrong, as a name to branch on. Each layer defines its own, once, as an inline constant:
//   inline constexpr rstate::Code not_mapped{"mm.not_mapped"};
// Codes are compared by identity; docs/errors.md defines each by its meaning.
struct Code {
    const char *name;
    Code(const Code &) = delete;
    constexpr explicit Code(const char *n) : name(n) {}
};

// What a value in a frame is; the site knows, so that the frame holds bare words.
enum class ValueKind : u8 { number, address, text, target_code };
constexpr u32 max_values = 4;

struct Site {
    const char *file;
    const char *function; // Class::member, without namespaces and parameters
    const char *text;     // the intention: "mapping the VMCB page"; behind its zero stand the values' names
    u32 line;
    u8 value_count;
    u16 kinds; // four bits a value, the first lowest

    // The values' expressions as written, separated by commas.
    const char *names() const { return text + __builtin_strlen(text) + 1; }
    constexpr ValueKind kind(u32 value) const { return static_cast<ValueKind>(kinds >> (4 * value) & 15); }
};

// A place in the fuzzed program's code: printed with its symbol when the printer can resolve it.
struct TargetCode {
    u64 pc;
};

template <class T> constexpr ValueKind kind_of() {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        return ValueKind::number;
    else if constexpr (std::is_same_v<T, const char *> || std::is_same_v<T, char *>)
        return ValueKind::text;
    else if constexpr (std::is_same_v<T, TargetCode>)
        return ValueKind::target_code;
    else
        return ValueKind::address;
}

template <class T> constexpr u64 word_of(const T &value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        return static_cast<u64>(value);
    else if constexpr (std::is_same_v<T, TargetCode>)
        return value.pc;
    else if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<u64>(value);
    else if constexpr (std::is_array_v<T>)
        return reinterpret_cast<u64>(&value[0]);
    else
        return value.value();
}

template <class... Ts> struct ValueKinds {
    static_assert(sizeof...(Ts) <= max_values, "a frame holds at most four values");
    static constexpr u8 count = sizeof...(Ts);
    static constexpr u16 packed() {
        u32 all = 0, shift = 0;
        ((all |= static_cast<u32>(kind_of<Ts>()) << shift, shift += 4), ...);
        return static_cast<u16>(all);
    }
};
// For decltype alone: the kinds of a list of expressions.
template <class... Ts> ValueKinds<Ts...> kinds_of(Ts...);

// A function's short name, cut out of __PRETTY_FUNCTION__ while compiling, so no long names reach the image.
template <usize n> struct Name {
    char characters[n + 1] = {};
    constexpr bool operator==(const Name &) const = default;
};

namespace naming {

constexpr bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':' || c == '~';
}

struct Range {
    usize start, end;
};

// The index of the parenthesis that opens the parameter list: the last one that nothing encloses,
// before the " [T = ...]" that clang adds to templates.
constexpr usize parameters(const char *pretty) {
    usize found = 0, depth = 0;
    for (usize i = 0; pretty[i] != 0; ++i) {
        if (pretty[i] == '[' && depth == 0 && i > 0 && pretty[i - 1] == ' ') break;
        if (pretty[i] == '(' && depth++ == 0) found = i;
        if (pretty[i] == ')') --depth;
    }
    return found;
}

constexpr Range short_name(const char *pretty) {
    const usize end = parameters(pretty);
    usize start = end;
    while (start > 0 && is_word(pretty[start - 1])) --start;
    // Namespaces begin with a small letter here and types with a capital: keep the class, drop the rest.
    for (usize i = start; i + 1 < end; ++i)
        if (pretty[i] == ':' && pretty[i + 1] == ':' && !(pretty[start] >= 'A' && pretty[start] <= 'Z'))
            start = i + 2;
    return {start, end};
}

constexpr usize short_length(const char *pretty) { return short_name(pretty).end - short_name(pretty).start; }

template <usize n> constexpr Name<n> cut(const char *pretty) {
    Name<n> name;
    for (usize i = 0; i < n; ++i) name.characters[i] = pretty[short_name(pretty).start + i];
    return name;
}

// One copy of each name in the program, however many sites the function has.
template <Name name> inline constexpr Name stored = name;

} // namespace naming

#define RSTATE_FUNCTION                                                                                      \
    (rstate::naming::stored<rstate::naming::cut<rstate::naming::short_length(__PRETTY_FUNCTION__)>(           \
         __PRETTY_FUNCTION__)>.characters)

} // namespace rstate

// The constant half of a frame, for the function it stands in.
#define RSTATE_SITE(text, ...)                                                                               \
    static constexpr rstate::Site rstate_site {                                                              \
        __FILE__, RSTATE_FUNCTION, text "\0" #__VA_ARGS__, __LINE__,                                         \
            decltype(rstate::kinds_of(__VA_ARGS__))::count,                                                  \
            decltype(rstate::kinds_of(__VA_ARGS__))::packed()                                                \
    }
