// guest/crash_hash.cpp — see crash_hash.h.
#include "guest/crash_hash.h"

#include "base/hash.h"

namespace guest {

namespace {

void add_stack(Xxh64 &hash, Span<const u64> frames, const Symbols &symbols) {
    constexpr usize hashed_frames = 3;
    constexpr u8 separator[] = {0};
    for (const u64 frame : frames.first(min(frames.size(), hashed_frames))) {
        const Function *function = symbols.find(frame);
        hash.add(separator);
        // A function without a name is identified by its address, which is the same in every run of a static
        // program.
        if (function != nullptr)
            hash.add(function->name.bytes());
        else
            hash.add_u64(frame);
    }
}

// The sum does not depend on the threads' order, nor on how many wait at the same place.
u64 sum_of_threads(const vm::Finding &finding, const Symbols &symbols) {
    u64 hashes[vm::max_threads] = {}, sum = 0;
    for (u32 i = 0; i < finding.thread_count; ++i) {
        const vm::ThreadStack &thread = finding.threads[i];
        Xxh64 hash;
        add_stack(hash, {thread.frames, thread.frame_count}, symbols);
        hashes[i] = hash.digest();
        bool seen = false;
        for (u32 other = 0; other < i; ++other) seen |= hashes[other] == hashes[i];
        if (!seen) sum += hashes[i];
    }
    return sum;
}

} // namespace

u64 crash_hash(const vm::Finding &finding, const Symbols &symbols) {
    Xxh64 hash;
    hash.add(finding.kind.bytes());
    if (finding.thread_count != 0)
        hash.add_u64(sum_of_threads(finding, symbols));
    else
        add_stack(hash, {finding.frames, finding.frame_count}, symbols);
    return hash.digest();
}

} // namespace guest
