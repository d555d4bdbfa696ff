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

struct Site {
    const char *file;
    const char *function; // Class::member, without namespaces and parameters
    const char *text;     // the intention: "mapping the VMCB page"
    const char *names;    // the values' expressions as written, separated by commas
    u32 line;
};

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
