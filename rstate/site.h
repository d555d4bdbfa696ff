// rstate/site.h — the constant half of an error frame: where in the source, and what was being attempted.
#pragma once

#include "base/types.h"
#include "rstate/naming.h"

namespace rstate {

// What went wrong, as a name to branch on. Each layer defines its own, once, as an inline constant:
//   inline constexpr rstate::Code not_mapped{"mm.not_mapped"};
// Codes are compared by identity; docs/errors.md defines each by its meaning.
struct Code {
    const char *name;
    Code(const Code &) = delete;
    constexpr explicit Code(const char *n) : name(n) {}
};

// How a value is printed. The site has it, so that the frame holds only words.
enum class ValueKind : u8 { number, address, text, target_code };
constexpr u32 max_values = 4;

struct Site {
    const char *file;
    const char *function; // Class::member, without namespaces and parameters
    const char *text;     // the intention: "mapping the VMCB page"; behind its zero the values' names
    u32 line;
    u8 value_count;
    u16 kinds; // four bits a value, the first lowest

    // The first value's name with a space behind it, or nothing; behind its zero the next one's. Only where
    // there are values.
    const char *first_name() const { return text + __builtin_strlen(text) + 1; }
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

} // namespace rstate

// The constant half of a frame, for the function it stands in.
#define RSTATE_SITE(text, ...)                                                                               \
    static constexpr auto rstate_name = rstate::naming::function_name(__PRETTY_FUNCTION__);                  \
    static constexpr rstate::naming::Stored<rstate_name.size> rstate_function{rstate_name};                  \
    static constexpr auto rstate_long = rstate::naming::text_and_names(text, #__VA_ARGS__);                  \
    static constexpr rstate::naming::Stored<rstate_long.size> rstate_text{rstate_long};                      \
    static constexpr rstate::Site rstate_site {                                                              \
        rstate::naming::without_dot(__FILE__), rstate::naming::function<rstate_function>.characters,         \
            decltype(rstate::kinds_of(__VA_ARGS__))::count == 0 ? text : rstate_text.characters, __LINE__,   \
            decltype(rstate::kinds_of(__VA_ARGS__))::count,                                                  \
            decltype(rstate::kinds_of(__VA_ARGS__))::packed()                                                \
    }
