// cpu/local.h — read-modify-writes of memory that only one core writes, atomic towards its own interrupts.
//
// Interrupts are taken between instructions, so one instruction is enough; without LOCK it costs a fraction
// of what a locked one does. C++ has no word for that. The compiler moves no access across them.
#pragma once

#include "base/types.h"

namespace cpu {

// *word = desired if it is `expected` still; whether it was.
[[gnu::always_inline]] inline bool local_compare_exchange(u64 *word, u64 expected, u64 desired) {
    bool exchanged;
    asm volatile("cmpxchg %3, %1"
                 : "=@ccz"(exchanged), "+m"(*word), "+a"(expected)
                 : "r"(desired)
                 : "memory");
    return exchanged;
}

[[gnu::always_inline]] inline void local_decrement(u64 *word) {
    asm volatile("decq %0" : "+m"(*word) : : "cc", "memory");
}

} // namespace cpu
