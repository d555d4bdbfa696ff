// svm/vectors.h — restores the x87 and SSE registers of a snapshot, without FXRSTOR where that is possible.
//
// VMRUN, #VMEXIT, VMLOAD and VMSAVE leave these registers alone (APM vol 2 §15.5.1 "Basic Operation"):
// software exchanges them.
#pragma once

#include "cpu/ops.h"
#include "vm/snapshot.h"

namespace svm {

// The state after FINIT: all exceptions masked, 64-bit precision, empty registers.
inline void reset_vectors(vm::VectorState &vectors) {
    constexpr u16 control_word = 0x037F;
    constexpr u32 mxcsr = 0x1F80;
    vectors = {};
    __builtin_memcpy(vectors.bytes, &control_word, sizeof(control_word));
    __builtin_memcpy(vectors.bytes + 24, &mxcsr, sizeof(mxcsr));
}

// Whether the x87 halves are the same (APM vol 2 Figure 11-8 "FXSAVE and FXRSTOR Image (64-bit Mode)"):
// everything before MXCSR, and ten bytes of each sixteen that a register has.
inline bool same_x87(const u8 *a, const u8 *b) {
    const auto *x = reinterpret_cast<const u64 *>(a), *y = reinterpret_cast<const u64 *>(b);
    u64 different = (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]);
    for (u32 i = 4; i < 20; i += 2) different |= (x[i] ^ y[i]) | static_cast<u16>(x[i + 1] ^ y[i + 1]);
    return different == 0;
}

// The registers become `wanted`.
//
// FNINIT first: it clears the pointers to the last x87 instruction and its operand (FIP, FDP, FOP). While no
// exception is pending AMD's FXSAVE writes zeros for them and FXRSTOR leaves them alone (APM vol 2 §11.4.4
// "Saving Media and x87 Execution Unit State"), so the compare cannot see them; but the guest can, by
// FNSTENV.
//
// FXRSTOR only for a guest that used the x87, which few do; not for its cost, but because QEMU's runs into a
// race: whichever CPU executes it, QEMU rewrites a word of flags that belongs to CPU 0, without a lock. When
// CPU 0 is at its VMRUN or #VMEXIT in that moment it loses the flag that says whether nested paging is on,
// and guest or host goes on with the other's tables (docs/caveats.md).
inline void put_back(const vm::VectorState &wanted) {
    cpu::reset_x87();
    alignas(vm::VectorState) u8 now[sizeof(vm::VectorState)]; // FXSAVE fills what is looked at, but for this:
    __builtin_memset(now, 0, sizeof(u64)); // QEMU's leaves FOP (bytes 6 and 7) as it stood in memory
    cpu::fxsave(now);
    if (same_x87(now, wanted.bytes))
        cpu::load_sse(wanted.bytes);
    else
        cpu::fxrstor(wanted.bytes);
}

} // namespace svm
