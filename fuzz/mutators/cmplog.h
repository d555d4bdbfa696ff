// fuzz/mutators/cmplog.h — what the target was seen to compare, and how to make the comparison come out
// otherwise.
//
// When one side of a comparison stands in the input, in either byte order or narrower than it was compared,
// writing the other side there decides the comparison ("input-to-state correspondence").
#pragma once

#include "base/random.h"
#include "fuzz/arena.h"
#include "fuzz/buffer.h"
#include "fuzz/mutators/dictionary.h"
#include "vm/outcome.h"

namespace fuzz {

constexpr u32 comparison_constant = 1; // in vm::Comparison::flags: b is a constant of the program

// One way to change an input: at `at`, `width` bytes become `value`'s, the lowest first or last.
struct Substitution {
    u32 at = 0;
    u32 width = 0;
    u64 value = 0;
    bool big_endian = false;
};

class Operands {
  public:
    static constexpr usize memory(u32 pairs) {
        return room_for<vm::Comparison>(pairs) + room_for<u16>(table_size(pairs));
    }
    Operands(Arena &arena, u32 pairs);

    void clear();
    // Takes in what one case compared, each pair once; the constants go to the dictionary as well.
    void gather(Span<const vm::Comparison> comparisons, Dictionary &dictionary);
    bool empty() const { return count_ == 0; }
    u32 count() const { return count_; }
    const vm::Comparison &pair(u32 number) const { return pairs_[number]; }

    // Changes the input so that a random comparison is likely to come out otherwise; false when none of those
    // tried has an operand in the input.
    bool substitute(Buffer &input, Random &random) const;

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

void apply(const Substitution &substitution, Buffer &input);
// Finds `from` in the input, searching from `start` and wrapping; false when it is not there.
bool find_operand(Bytes input, usize start, u64 from, u32 width, bool big_endian, usize &at);

} // namespace fuzz
