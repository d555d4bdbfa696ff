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

// Where the name begins: the words before the parameters, template arguments counted in.
constexpr usize name_start(const char *pretty, usize end) {
    usize start = end, depth = 0;
    while (start > 0) {
        const char c = pretty[start - 1];
        if (c == '>')
            ++depth;
        else if (c == '<' && depth > 0)
            --depth;
        else if (depth == 0 && !is_word(c))
            break;
        --start;
    }
    return start;
}

// Copies the name without namespaces, which begin with a small letter here where types begin with a capital,
// and without template arguments; returns its length. `out` may be null.
constexpr usize short_name(const char *pretty, char *out) {
    const usize end = parameters(pretty);
    usize length = 0, depth = 0, component = 0;
    bool in_class = false;
    for (usize i = name_start(pretty, end); i < end; ++i) {
        const char c = pretty[i];
        if (c == '<' || c == '>') {
            if (c == '<')
                ++depth;
            else
                --depth;
            continue;
        }
        if (depth > 0) continue;
        if (length == component && c >= 'A' && c <= 'Z') in_class = true;
        const bool ends_component = c == ':' && pretty[i + 1] == ':';
        if (ends_component && !in_class) { // a namespace: forget it
            length = component;
            ++i;
            continue;
        }
        if (out != nullptr) out[length] = c;
        ++length;
    }
    if (length != 0) return length;
    constexpr char lambda[] = "lambda"; // its name is operator(), which is no word
    for (usize i = 0; out != nullptr && i < sizeof lambda - 1; ++i) out[i] = lambda[i];
    return sizeof lambda - 1;
}

constexpr usize short_length(const char *pretty) { return short_name(pretty, nullptr); }

template <usize n> constexpr Name<n> cut(const char *pretty) {
    char whole[512] = {};
    Name<n> name;
    if (short_name(pretty, whole) == n)
        for (usize i = 0; i < n; ++i) name.characters[i] = whole[i];
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
