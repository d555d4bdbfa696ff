// fuzz/target_mutator.h — the target's own mutator (LLVMFuzzerCustomMutator, LLVMFuzzerCustomCrossOver),
// which runs in the machine.
//
// One run makes several mutants of one input, since each run costs an exit and a reset. They wait here for
// the next cases of that input's visit.
#pragma once

#include "fuzz/arena.h"
#include "fuzz/buffer.h"
#include "fuzz/executor.h"
#include "fuzz/mutators/dictionary.h"

namespace fuzz {

class TargetMutator final {
  public:
    // Bytes of mutants that may wait, for inputs of at most `max_len` bytes.
    static constexpr u32 room(u32 max_len) { return max_len + 64 * 1024; }

    // Room for so many bytes of mutants; 0 when the target has no mutator of its own.
    TargetMutator(const Executor &executor, Arena &arena, u32 bytes, u32 max_len)
        : executor_(executor), room_(arena.take<u8>(bytes, u8{0})), max_len_(max_len),
          abilities_(executor.mutator_abilities()) {}

    // Whether it makes every mutant: then no other mutator is used, as libFuzzer does it, because the harness
    // may take no input of another form.
    bool replaces_others() const { return !room_.empty() && abilities_.mutates; }
    bool exists() const { return !room_.empty() && abilities_.any(); }
    bool waiting() const { return at_ < end_; }

    // Replaces the mutants that wait by new ones of `input`. The machine stands at the snapshot, before and
    // after.
    rstate::Result<void> refill(Bytes input, Bytes other, const Dictionary &dictionary, Random &random);
    // The next mutant; false when none waits.
    bool take(Buffer &out);

  private:
    Executor executor_;
    MutableBytes room_;
    u32 max_len_;
    vm::MutatorAbilities abilities_;
    usize at_ = 0, end_ = 0; // the waiting mutants in room_
};

} // namespace fuzz
