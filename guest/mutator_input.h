// guest/mutator_input.h — what the target's own mutator finds in the place of an input: a request of
// targets/runtime/abi.h, then the bytes that it names.
#pragma once

#include "base/span.h"
#include "targets/runtime/abi.h"
#include "vm/mutation.h"

namespace guest {

// A mutator that spends more edges has no end (chosen).
constexpr u64 mutator_edges = 1ul << 26;

class MutatorInput final {
  public:
    // `room`: for all mutants, in bytes; `capacity`: of the input. What does not fit is left out, the other
    // input first; of the input to mutate, the end.
    MutatorInput(const vm::MutationRequest &request, u64 room, u64 capacity) {
        u64 left = capacity - min(capacity, sizeof header_);
        const auto take = [&left](Bytes wanted) {
            const Bytes taken = wanted.size() <= left ? wanted : Bytes();
            left -= taken.size();
            return taken;
        };
        input_ = request.input.first(min(request.input.size(), left));
        left -= input_.size();
        tokens_ = take(request.tokens);
        other_ = take(request.other);
        header_.seed = request.seed;
        header_.count = request.count;
        header_.max_len = request.max_len;
        header_.room = static_cast<u32>(min<u64>(room, ~0u));
        header_.size = static_cast<u32>(input_.size());
        header_.other_size = static_cast<u32>(other_.size());
        header_.tokens_size = static_cast<u32>(tokens_.size());
    }
    Array<Bytes, 4> pieces() const {
        return {{Bytes(reinterpret_cast<const u8 *>(&header_), sizeof header_), input_, other_, tokens_}};
    }

  private:
    rl_mutation header_ = {};
    Bytes input_, other_, tokens_;
};

} // namespace guest
