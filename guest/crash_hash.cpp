// guest/crash_hash.cpp — see crash_hash.h.
#include "guest/crash_hash.h"

#include "base/hash.h"

namespace guest {

u64 crash_hash(const vm::Finding &finding, const Symbols &symbols) {
    constexpr u32 hashed_frames = 3;
    constexpr u8 separator[] = {0};
    Xxh64 hash;
    hash.add(finding.kind.bytes());
    for (u32 i = 0; i < min(finding.frame_count, hashed_frames); ++i) {
        const Function *function = symbols.find(finding.frames[i]);
        hash.add(separator);
        // A function without a name is identified by its address, which is the same in every run of a static
        // program.
        if (function != nullptr)
            hash.add(function->name.bytes());
        else
            hash.add_u64(finding.frames[i]);
    }
    return hash.digest();
}

} // namespace guest
