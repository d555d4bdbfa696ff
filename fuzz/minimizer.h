// fuzz/minimizer.h — whether a crash depends on what was never initialised, and the shrinking of inputs while
// something about them holds.
#pragma once

#include "base/format.h"
#include "fuzz/buffer.h"
#include "fuzz/executor.h"
#include "rstate/error.h"
#include "vm/outcome.h"

namespace fuzz {

constexpr u8 other_fills[] = {0x00, 0xff, 0x5a};
constexpr u64 fills_tried = sizeof other_fills;

// Whether the crash with this hash is another one, or none, when fresh memory is filled with other bytes:
// then it depends on what was never initialised. The executor stands at the snapshot before and after.
template <CaseRunner E>
rstate::Result<bool> depends_on_fill(E &executor, Bytes input, u64 hash, u64 edge_budget) {
    for (const u8 fill : other_fills) {
        const vm::Outcome *outcome = TRY(executor.run_case(input, {.edge_budget = edge_budget, .fill = fill}),
                                         "running a crash's input with another fill", fill);
        const bool same = outcome->ending == vm::Ending::crash && outcome->finding.hash == hash;
        TRY(executor.reset(), "resetting after another fill", fill);
        if (!same) return true;
    }
    return false;
}

// The function that `pc` lies in, without the offset the resolver adds; an address when it knows none.
void write_function(const Output &out, u64 pc, const rstate::Resolver *resolver);

// Proposes ever smaller inputs by leaving blocks out, large ones first. The caller runs each proposal and
// says whether what mattered still holds; no proposal is made twice in a row and the steps end.
class Shrinker {
  public:
    // `input` is the smallest known so far; `proposal` is overwritten.
    Shrinker(Buffer &input, Buffer &proposal) : input_(input), proposal_(proposal) { begin(); }

    // Fills the proposal; false when nothing is left to try.
    bool propose();
    // The last proposal serves: it becomes the input.
    void accept();

  private:
    void begin();

    Buffer &input_;
    Buffer &proposal_;
    usize block_ = 0; // size of what is left out
    usize at_ = 0;    // where the next proposal leaves it out
    bool pending_ = false;
};

} // namespace fuzz
