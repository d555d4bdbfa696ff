// guest/crash_hash.cpp — see crash_hash.h.
#include "guest/crash_hash.h"

#include "base/hash.h"
#include "targets/runtime/abi.h"

namespace guest {

namespace {

// A function without a name is identified by its address, which is the same in every run of a static program.
void add_function(Xxh64 &hash, u64 frame, const Symbols &symbols) {
    const Function *function = symbols.find(frame);
    if (function != nullptr)
        hash.add(function->name.bytes());
    else
        hash.add_u64(frame);
}

u64 hash_of_function(u64 frame, const Symbols &symbols) {
    Xxh64 hash;
    add_function(hash, frame, symbols);
    return hash.digest();
}

// The innermost functions, each once: how deep a recursion was makes no difference.
void add_stack(Xxh64 &hash, Span<const u64> frames, const Symbols &symbols) {
    constexpr u32 hashed_functions = 3;
    constexpr u8 separator[] = {0};
    u64 added[hashed_functions] = {};
    u32 count = 0;
    for (usize i = 0; i < frames.size() && count < hashed_functions; ++i) {
        const u64 function = hash_of_function(frames[i], symbols);
        bool known = false;
        for (u32 other = 0; other < count; ++other) known |= added[other] == function;
        if (known) continue;
        added[count++] = function;
        hash.add(separator);
        add_function(hash, frames[i], symbols);
    }
}

bool repeats(const vm::Finding &finding, u32 frame) {
    for (u32 i = 0; i < finding.recursion_count; ++i)
        if (frame - finding.recursions[i].first < finding.recursions[i].length) return true;
    return false;
}

// Of a stack overflow: the functions that call each other, in any order, since the stack may end in each of
// them or in what they call. 0 when none of them repeats.
u64 sum_of_recursion(const vm::Finding &finding, const Symbols &symbols) {
    u64 hashes[vm::max_target_frames] = {}, sum = 0;
    for (u32 i = 0; i < finding.frame_count; ++i) hashes[i] = hash_of_function(finding.frames[i], symbols);
    for (u32 i = 0; i < finding.frame_count; ++i) {
        bool first = true, recurs = repeats(finding, i);
        for (u32 other = 0; other < finding.frame_count; ++other) {
            if (hashes[other] != hashes[i] || other == i) continue;
            recurs = true;
            first &= other > i;
        }
        if (recurs && first) sum += hashes[i];
    }
    return sum;
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
    const bool overflow = finding.kind == Text(rl_kind_name(rl_kind_stack_overflow));
    const u64 recursion = overflow ? sum_of_recursion(finding, symbols) : 0;
    if (finding.thread_count != 0)
        hash.add_u64(sum_of_threads(finding, symbols));
    else if (recursion != 0)
        hash.add_u64(recursion);
    else
        add_stack(hash, {finding.frames, finding.frame_count}, symbols);
    return hash.digest();
}

} // namespace guest
