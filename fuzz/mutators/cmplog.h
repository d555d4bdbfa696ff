// fuzz/mutators/cmplog.h — comparison log (CmpLog) and input-to-state replacement.
//
// The target records the operands of its comparisons. When one operand occurs in the input, in either byte
// order or narrower than it was compared, writing the other operand there changes how the comparison ends
// ("input-to-state correspondence", REDQUEEN).
#pragma once

#include "base/random.h"
#include "fuzz/arena.h"
#include "fuzz/buffer.h"
#include "fuzz/mutators/dictionary.h"
#include "vm/outcome.h"

namespace fuzz {

constexpr u32 comparison_constant = 1; // in vm::Comparison::flags: b is a constant of the program

// `width` bytes of an input, from offset `at`, become those of `value`.
struct Replacement {
    u32 at = 0;
    u32 width = 0;
    u64 value = 0;
    bool big_endian = false;
};

class ComparisonLog {
  public:
    static constexpr usize memory(u32 pairs) {
        return room_for<vm::Comparison>(pairs) + room_for<u16>(table_size(pairs));
    }
    ComparisonLog(Arena &arena, u32 pairs);

    void clear();
    // Adds the comparisons of one case, each pair of operands once; constants become tokens of the dictionary
    // too.
    void gather(Span<const vm::Comparison> comparisons, Dictionary &dictionary);
    bool empty() const { return count_ == 0; }
    u32 count() const { return count_; }
    const vm::Comparison &pair(u32 number) const { return pairs_[number]; }

    // Replaces an operand that occurs in the input by the other operand of its comparison, or by a neighbour
    // of that value. False when none of the comparisons tried has an operand in the input.
    bool replace_input_to_state(Buffer &input, Random &random) const;

  private:
    static constexpr u32 table_size(u32 pairs) {
        u32 size = 1;
        while (size < pairs * 2) size *= 2;
        return size;
    }
    bool insert(const vm::Comparison &comparison);

    Span<vm::Comparison> pairs_;
    Span<u16> table_; // open hashing: number of the pair + 1
    u32 count_ = 0;
};

void apply(const Replacement &replacement, Buffer &input);
// Finds `from` in the input, searching from `start` and wrapping; false when it is not there.
bool find_operand(Bytes input, usize start, u64 from, u32 width, bool big_endian, usize &at);

} // namespace fuzz
