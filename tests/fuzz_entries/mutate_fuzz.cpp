// tests/fuzz_entries/mutate_fuzz.cpp — mutation of any input with any comparison_log stays within its buffer
// and repeats.
#include "fuzz/mutators/mutate.h"

#include "base/check.h"

namespace {

constexpr usize capacity = 200;

usize mutated(Bytes input, const fuzz::MutationContext &with, u64 seed, u8 (&room)[capacity]) {
    Random random(seed);
    fuzz::Buffer buffer{MutableBytes(room)};
    buffer.assign(input);
    fuzz::mutate(buffer, with, random);
    CHECK(buffer.size() <= capacity, "an input keeps to its limit", buffer.size());
    return buffer.size();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    alignas(16) static u8 memory[fuzz::Dictionary::memory(0, 16) + fuzz::ComparisonLog::memory(16)];
    fuzz::Arena arena{MutableBytes(memory)};
    fuzz::Dictionary dictionary(arena, {}, 16);
    fuzz::ComparisonLog comparison_log(arena, 16);
    u64 seed = 0;
    vm::Comparison pair{};
    const Bytes all(data, size);
    if (size < sizeof seed + sizeof pair) return 0;
    __builtin_memcpy(&seed, data, sizeof seed);
    __builtin_memcpy(&pair, data + sizeof seed, sizeof pair);
    const vm::Comparison pairs[] = {pair, {pair.b, pair.a, 1u << (pair.size % 4), pair.flags}};
    comparison_log.gather(pairs, dictionary);
    const Bytes input = all.from(sizeof seed + sizeof pair);
    u8 once[capacity], again[capacity];
    const fuzz::MutationContext with{dictionary, comparison_log, input.first(input.size() / 2)};
    const usize a = mutated(input, with, seed, once), b = mutated(input, with, seed, again);
    CHECK(a == b && __builtin_memcmp(once, again, a) == 0, "mutation repeats", a, b);
    return 0;
}
