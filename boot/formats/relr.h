// boot/formats/relr.h — packed relative relocations (generic ABI, "Relative Relocation Table"): which words
// of an image are pointers.
#pragma once

#include "base/span.h"

namespace boot {

// Calls `use` with the image offset of each pointer. An even entry is an offset; an odd one is a bitmap of
// the 63 words that follow the last one.
template <class Use> void for_each_relr(Span<const u64> entries, Use use) {
    u64 next = 0;
    for (const u64 entry : entries) {
        if ((entry & 1) == 0) {
            use(entry);
            next = entry + 8;
            continue;
        }
        for (u64 bits = entry >> 1, at = next; bits != 0; bits >>= 1, at += 8)
            if ((bits & 1) != 0) use(at);
        next += 63ul * 8;
    }
}

} // namespace boot
