// boot/formats/relr.h — RELR, packed relative relocations (generic ABI, "Relative Relocation Table"): lists
// the words of an image that are pointers.
#pragma once

#include "base/span.h"

namespace boot {

// Calls `use` with the image offset of each pointer. An even entry is an offset; an odd one is a bitmap of
// the next 63 words.
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
