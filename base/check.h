// base/check.h — CHECK: for bugs of this program only, never for input from outside. It stays on in release.
//
// What a failing check does is decided where the program is put together: the kernel panics with the
// error chain in flight and a backtrace, a stage stops, a host test aborts.
#pragma once

#include "base/types.h"

struct CheckSite {
    const char *file;
    const char *function;
    const char *condition;
    const char *reason;
    u32 line;
    u32 texts; // bit i: value i is a text that lives as long as the program
};

// Defined once per program (kernel/panic/panic.cpp, stage2/, tests/sim/). `values` has `count` numbers, at
// most four.
[[noreturn]] void check_failed(const CheckSite &site, const u64 *values, u32 count);

// For decltype alone: which values are texts.
template <class... Ts> struct CheckTexts {
    static constexpr u32 mask() {
        u32 all = 0, bit = 1;
        ((all |= std::is_same_v<Ts, const char *> ? bit : 0, bit <<= 1), ...);
        return all;
    }
};
template <class... Ts> CheckTexts<Ts...> check_texts_of(Ts...);

template <class T> constexpr u64 check_value(const T &value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        return static_cast<u64>(value);
    else if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<u64>(value);
    else
        return value.value();
}

[[noreturn, gnu::noinline, gnu::cold]] void check_failed_with(const CheckSite &site, u32 count, u64 a = 0,
                                                              u64 b = 0, u64 c = 0, u64 d = 0);

template <class... Ts>
[[noreturn, gnu::always_inline]] inline void check_failed_at(const CheckSite &site, const Ts &...values) {
    check_failed_with(site, sizeof...(Ts), check_value(values)...);
}

#define CHECK(condition, reason, ...)                                                                        \
    do {                                                                                                     \
        if (!(condition)) [[unlikely]] {                                                                     \
            static constexpr CheckSite rl_check_site{                                                        \
                __FILE__,   __builtin_FUNCTION(),                                                            \
                #condition, reason,                                                                          \
                __LINE__,   decltype(check_texts_of(__VA_ARGS__))::mask()};                                  \
            check_failed_at(rl_check_site __VA_OPT__(, ) __VA_ARGS__);                                       \
        }                                                                                                    \
    } while (false)

// For paths where the check was measured to cost too much: on in host tests and development builds only.
#ifdef RL_DEBUG
constexpr bool every_check_is_on = true;
#define DCHECK(condition, reason, ...) CHECK(condition, reason __VA_OPT__(, ) __VA_ARGS__)
#else
constexpr bool every_check_is_on = false;
#define DCHECK(condition, reason, ...) static_cast<void>(sizeof(condition))
#endif
