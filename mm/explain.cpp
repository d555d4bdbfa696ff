// mm/explain.cpp — see explain.h.
#include "mm/explain.h"

#include "base/core.h"

namespace mm {

// The high six bytes must match: the low two may have been moved by adding an offset to the bad pointer.
bool looks_uninitialised(u64 address) {
    constexpr u64 slack_word = 0x0101'0101'0101'0101 * slack_byte;
    constexpr u64 turned = fresh_word << 8 | fresh_word >> 56;
    for (const u64 pattern : {fresh_word, turned, slack_word})
        if (address >> 24 == pattern >> 24) return true;
    return false;
}

static rstate::Error range_chain(const Explanation &what) {
    const Record &range = what.range;
    auto error =
        range.site.file[0] != 0
            ? FAIL(*what.code, "made here", range.site.file, range.site.line, range.site.type, range.made_by)
            : FAIL(*what.code, "made by the boot", range.site.type, range.made_by);
    if (range.state == RangeState::freed)
        error = WRAP(std::move(error), "freed here", range.freed_from, range.freed_by);
    const u64 before = what.address < range.block ? range.block - what.address : 0;
    const Virt end = range.block + range.size;
    if (before != 0)
        return WRAP(std::move(error), "so many bytes before the range", before, range.block, range.size);
    if (what.address >= end) {
        const u64 behind = what.address - end;
        return WRAP(std::move(error), "so many bytes behind the end of the range", behind, range.block,
                    range.size);
    }
    const u64 offset = what.address - range.block;
    return WRAP(std::move(error), "so many bytes into the range", offset, range.block, range.size);
}

rstate::Error to_error(const Explanation &what) {
    if (!what.has_range) return FAIL(*what.code, "what the address is", what.address, what.text);
    return WRAP(range_chain(what), "what the address is", what.address, what.text);
}

} // namespace mm
