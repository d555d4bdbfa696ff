// rstate/naming.h — the short names that a chain prints, made while compiling: "Class::member" for a
// function, the last word of a value's expression. The long forms never reach the image.
#pragma once

#include "base/text.h"

namespace rstate::naming {

// Text that a constant expression builds. One that is too long does not compile.
struct Builder {
    char characters[512] = {};
    usize size = 0;

    constexpr void add(char c) { characters[size++] = c; }
    constexpr void add(Text text) {
        for (const char c : text) add(c);
    }
    constexpr Text text() const { return {characters, size}; }
};

// The same in as few bytes as it needs, with a zero behind it. Equal ones are equal template arguments.
template <usize n> struct Stored {
    char characters[n + 1] = {};

    constexpr Stored() = default;
    constexpr explicit Stored(const Builder &built) {
        for (usize i = 0; i < n; ++i) characters[i] = built.characters[i];
    }
    constexpr bool operator==(const Stored &) const = default;
};

constexpr bool equal(Text a, Text b) {
    usize same = 0;
    while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
    return same == a.size() && same == b.size();
}
constexpr bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_word(char c) { return is_capital(c) || is_digit(c) || (c >= 'a' && c <= 'z') || c == '_'; }
constexpr bool opens(char c) { return c == '(' || c == '<' || c == '[' || c == '{'; }
constexpr bool closes(char c) { return c == ')' || c == '>' || c == ']' || c == '}'; }

// ---- a function: __PRETTY_FUNCTION__ -> "Class::member" ----

// Step 1. What no bracket encloses, and the parentheses themselves:
// "Result<T> ns::Class<T>::member(T) const [T = int]" -> "Result ns::Class::member() const ".
constexpr Builder outside_brackets(Text pretty) {
    Builder out;
    usize depth = 0;
    for (const char c : pretty) {
        if (closes(c)) --depth;
        const bool kept = c == '(' || c == ')' || !(opens(c) || closes(c));
        if (depth == 0 && kept) out.add(c);
        if (opens(c)) ++depth;
    }
    return out;
}

// Step 2. The word before the last parenthesis, with its scopes: "ns::Class::member". Empty for a lambda, and
// for an operator, whose name is no word.
constexpr Text word_before_parameters(Text flat) {
    usize end = flat.size();
    while (end > 0 && flat[end - 1] != '(') --end;
    if (end > 0) --end;
    usize start = end;
    while (start > 0 && (is_word(flat[start - 1]) || flat[start - 1] == ':' || flat[start - 1] == '~'))
        --start;
    return flat.sub(start, end - start);
}

// Step 3. Without namespaces, which begin with a small letter here where types begin with a capital.
constexpr Text without_namespaces(Text name) {
    usize scope = 0;
    while (scope < name.size() && name[scope] != ':') ++scope;
    if (name.empty() || is_capital(name[0]) || scope == name.size()) return name;
    return without_namespaces(name.from(scope + 2));
}

constexpr Builder function_name(Text pretty) {
    const Builder flat = outside_brackets(pretty);
    const Text name = without_namespaces(word_before_parameters(flat.text()));
    Builder out;
    out.add(name.empty() ? Text("lambda") : name);
    return out;
}

// One copy of each name in the program, however many sites the function has.
template <Stored name> inline constexpr Stored function = name;

// ---- the values of a site: "thing.size(), count_, 7" -> "size ", "count ", "" ----

// The last word of an expression; of ".value()" and ".raw", which say nothing, the word before.
constexpr Text value_name(Text expression) {
    usize end = expression.size();
    if (end > 0 && expression[end - 1] == ']') // an element has its array's name
        for (end = 0; expression[end] != '[';) ++end;
    while (end > 0 && !is_word(expression[end - 1])) --end;
    usize start = end;
    while (start > 0 && is_word(expression[start - 1])) --start;
    while (end > start && expression[end - 1] == '_') --end; // private members end in an underscore
    const Text word = expression.sub(start, end - start);
    if (!equal(word, "value") && !equal(word, "raw")) return word;
    const Text before = value_name(expression.sub(0, start));
    return before.empty() ? word : before;
}

// Up to the first comma that no bracket encloses.
constexpr Text first_expression(Text list) {
    usize depth = 0, end = 0;
    for (; end < list.size(); ++end) {
        const char c = list[end];
        if (c == ',' && depth == 0) break;
        if (opens(c)) ++depth;
        if (closes(c) && depth > 0) --depth;
    }
    return list.sub(0, end);
}

// A site's text and, each behind a zero, its values' names as they are printed: with a space. A number
// written out has none.
constexpr Builder text_and_names(Text text, Text list) {
    Builder out;
    out.add(text);
    while (!list.empty()) {
        const Text expression = first_expression(list);
        list = list.from(expression.size() + 1);
        const Text name = value_name(expression);
        out.add('\0');
        if (name.empty() || is_digit(name[0])) continue;
        out.add(name);
        out.add(' ');
    }
    return out;
}

// The compiler finds headers as "./mm/window.h".
constexpr const char *without_dot(const char *file) {
    return file[0] == '.' && file[1] == '/' ? file + 2 : file;
}

} // namespace rstate::naming
