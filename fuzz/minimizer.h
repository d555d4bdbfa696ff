// fuzz/minimizer.h — the crash minimizer makes a crash's input smaller; and a check whether a crash depends
// on uninitialised memory.
#pragma once

#include "fuzz/buffer.h"
#include "rstate/result.h"

namespace fuzz {

constexpr u8 other_fills[] = {0x00, 0xff, 0x5a};
constexpr u64 fills_tried = sizeof other_fills;

// Whether a crash changes or disappears when fresh memory is filled with other bytes: then it depends on
// uninitialised memory. `crashes_the_same(fill)` runs the crash's input with that fill, resets the machine,
// and returns whether the crash hash is the same.
template <class F> rstate::Result<bool> depends_on_fill(F &&crashes_the_same) {
    for (const u8 fill : other_fills)
        if (!TRY(crashes_the_same(fill), "running a crash's input with another fill", fill)) return true;
    return false;
}

// Proposes ever smaller inputs by leaving out blocks, the largest first. The caller runs each proposal and
// accepts it when the crash is still the same. No proposal is made twice in a row, and the steps end.
class Minimizer final {
  public:
    // `input` is the smallest known so far; `proposal` is overwritten.
    Minimizer(Buffer &input, Buffer &proposal);

    // Fills the proposal; false when nothing is left to try.
    bool propose();
    // The last proposal becomes the input.
    void accept();

  private:
    Buffer &input_;
    Buffer &proposal_;
    usize block_ = 1; // size of what is left out
    usize at_ = 0;    // where the next proposal leaves it out
    bool pending_ = false;
};

} // namespace fuzz
