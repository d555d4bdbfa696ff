// fuzz/target_mutator.cpp — see target_mutator.h.
#include "fuzz/target_mutator.h"

namespace fuzz {

namespace {

constexpr u32 mutants_at_once = 16, most_tokens = 16; // chosen
constexpr usize most_token_bytes = most_tokens * (1 + max_learned_size);

// Some tokens of the dictionary, for LLVMFuzzerMutate; returns how many bytes they take.
usize pack_tokens(const Dictionary &dictionary, Random &random, u8 (&out)[most_token_bytes]) {
    usize used = 0;
    for (u32 i = 0; i < most_tokens && !dictionary.empty(); ++i) {
        const Bytes token = dictionary.random_token(random);
        if (token.empty() || token.size() > max_learned_size) continue;
        out[used] = static_cast<u8>(token.size());
        __builtin_memcpy(out + used + 1, token.data(), token.size());
        used += 1 + token.size();
    }
    return used;
}

} // namespace

rstate::Result<void> TargetMutator::refill(Bytes input, Bytes other, const Dictionary &dictionary,
                                           Random &random) {
    static constexpr u8 newline[] = {'\n'}; // libFuzzer's first input: a mutator may not expect an empty one
    u8 tokens[most_token_bytes];
    vm::MutationRequest request;
    request.seed = random.next();
    request.count = mutants_at_once;
    request.max_len = max_len_;
    request.input = input.empty() ? Bytes(newline, 1) : input;
    request.other = other;
    request.tokens = Bytes(tokens, pack_tokens(dictionary, random, tokens));
    at_ = end_ = 0;
    end_ = TRY(executor_.make_mutants(request, room_), "running the target's own mutator", input.size());
    return executor_.reset();
}

bool TargetMutator::take(Buffer &out) {
    if (end_ - at_ < vm::mutant_header) return at_ = end_, false;
    u32 size = 0;
    __builtin_memcpy(&size, room_.data() + at_, sizeof size);
    const usize first = at_ + vm::mutant_header;
    if (size > end_ - first || size > max_len_) return at_ = end_, false; // made by the target: not trusted
    out.assign(Bytes(room_.data() + first, size));
    at_ = first + size;
    return true;
}

} // namespace fuzz
