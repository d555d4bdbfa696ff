// base/types.h — fixed-width integers and the few type tools everything else needs.
#pragma once

#include <type_traits>
#include <utility>

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long;
using i8 = signed char;
using i16 = short;
using i32 = int;
using i64 = long;
using usize = unsigned long;

static_assert(sizeof(u16) == 2 && sizeof(u32) == 4 && sizeof(u64) == 8 && sizeof(void *) == 8);

constexpr u64 operator""_KiB(unsigned long long n) { return n << 10; }
constexpr u64 operator""_MiB(unsigned long long n) { return n << 20; }
constexpr u64 operator""_GiB(unsigned long long n) { return n << 30; }

// A page, in bytes: the unit of every mapping (APM vol 2 §5.3 "Long-Mode Page Translation").
constexpr u64 page_size = 4096;

template <class T> constexpr const T &min(const T &a, const T &b) { return b < a ? b : a; }
template <class T> constexpr const T &max(const T &a, const T &b) { return a < b ? b : a; }

constexpr u64 align_down(u64 n, u64 alignment) { return n & ~(alignment - 1); }
// Wraps when n is within `alignment` of 2^64: callers with untrusted values check first.
constexpr u64 align_up(u64 n, u64 alignment) { return align_down(n + alignment - 1, alignment); }
constexpr bool is_aligned(u64 n, u64 alignment) { return (n & (alignment - 1)) == 0; }

// a + b; false when it does not fit. For every size that comes from outside.
[[nodiscard]] constexpr bool add_checked(u64 a, u64 b, u64 &sum) {
    return !__builtin_add_overflow(a, b, &sum);
}
[[nodiscard]] constexpr bool mul_checked(u64 a, u64 b, u64 &product) {
    return !__builtin_mul_overflow(a, b, &product);
}
