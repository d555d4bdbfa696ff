// base/bits.h — named bit ranges of a hardware word, high bit first as the manuals write them.
#pragma once

#include "base/types.h"

template <unsigned high, unsigned low = high> struct Bits {
    static_assert(high < 64 && low <= high);
    static constexpr unsigned width = high - low + 1;
    static constexpr u64 mask = (width == 64 ? ~0ul : ((1ul << width) - 1)) << low;

    static constexpr u64 get(u64 word) { return (word & mask) >> low; }
    static constexpr bool test(u64 word) { return (word & mask) != 0; }
    static constexpr u64 make(u64 field) { return (field << low) & mask; }
    static constexpr u64 set(u64 word, u64 field) { return (word & ~mask) | make(field); }
};
