// guest/refused_calls.h — the system calls of a target that nothing answers: which, from where, how often.
//
// A machine's reset does not forget them.
#pragma once

#include "guest/memory.h"
#include "guest/program.h"
#include "vm/outcome.h"

namespace guest {

class RefusedCalls final {
  public:
    // `address`: of an rl_refused, which comes from the target. A number that was not seen before is logged,
    // unless another machine's does that.
    void note(const Memory &memory, const Program &program, u64 address);
    // Another machine of the same target logs the calls: this one only counts them.
    void be_silent() { logs_ = false; }
    // A call counts with its place, as far as there is room, else with another place's of the same number.
    Span<const vm::RefusedCall> list() const { return {calls_.elements, count_}; }

  private:
    static constexpr u32 most_places = 16;

    vm::RefusedCall *place_of(const rl_refused &call);
    bool is_known(u64 number) const;

    Array<vm::RefusedCall, most_places> calls_ = {};
    u32 count_ = 0;
    bool logs_ = true;
};

} // namespace guest
