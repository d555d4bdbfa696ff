// fuzz/hit_levels.h — a count of hits as one byte, exact to an eighth, so that the counts of all edges can be
// sent over a serial line.
#pragma once

#include "base/types.h"

namespace fuzz {

// 0 for none, else 1 + 8 * exponent + mantissa of (8 + mantissa) / 8 * 2^exponent, rounded down.
constexpr u8 hit_level(u64 hits) {
    if (hits == 0) return 0;
    const u32 exponent = 63 - static_cast<u32>(__builtin_clzl(hits));
    const u64 mantissa = (exponent >= 3 ? hits >> (exponent - 3) : hits << (3 - exponent)) & 7;
    return static_cast<u8>(min(1 + 8 * u64{exponent} + mantissa, 255ul));
}

} // namespace fuzz
