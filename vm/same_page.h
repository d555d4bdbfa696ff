// vm/same_page.h — whether two pages hold the same bytes.
#pragma once

#include "base/types.h"

namespace vm {

// Four words in each step: the kernel's memcmp goes byte by byte.
inline bool same_page(const u8 *a, const u8 *b) {
    const auto *x = reinterpret_cast<const u64 *>(a), *y = reinterpret_cast<const u64 *>(b);
    for (u64 i = 0; i < page_size / sizeof(u64); i += 4)
        if (((x[i] ^ y[i]) | (x[i + 1] ^ y[i + 1]) | (x[i + 2] ^ y[i + 2]) | (x[i + 3] ^ y[i + 3])) != 0)
            return false;
    return true;
}

} // namespace vm
