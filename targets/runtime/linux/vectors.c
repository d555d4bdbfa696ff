// targets/runtime/linux/vectors.c — the x87 and SSE registers of threads, without FXRSTOR where that is
// possible.
//
// These registers are those of the thread that runs: this library is compiled without them.
#include "targets/runtime/linux/linux.h"

void rl_save_vectors(u8 *area) { __asm__ volatile("fxsave64 %0" : "=m"(*(u8(*)[512])area)); }

// Whether the x87 halves are the same (APM vol 2 Figure 11-8 "FXSAVE and FXRSTOR Image (64-bit Mode)"):
// everything before MXCSR, and ten bytes of each sixteen that a register has.
static bool same_x87(const u64 *a, const u64 *b) {
    u64 different = (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]);
    for (u32 i = 4; i < 20; i += 2) different |= (a[i] ^ b[i]) | (u16)(a[i + 1] ^ b[i + 1]);
    return different == 0;
}

#define LOAD(register, offset) "movups " #offset "(%0), %%xmm" #register "\n\t"
static void load_sse(const u8 *area) {
    __asm__ volatile("ldmxcsr 24(%0)\n\t" LOAD(0, 160) LOAD(1, 176) LOAD(2, 192) LOAD(3, 208) LOAD(4, 224)
                         LOAD(5, 240) LOAD(6, 256) LOAD(7, 272) LOAD(8, 288) LOAD(9, 304) LOAD(10, 320)
                             LOAD(11, 336) LOAD(12, 352) LOAD(13, 368) LOAD(14, 384) LOAD(15, 400)
                     :
                     : "r"(area)
                     : "memory");
}

// FXRSTOR only where the x87 halves differ, for the reason that svm/vectors.h gives: in QEMU, an FXRSTOR on
// any CPU can take nested paging away from CPU 0.
bool rl_load_vectors(const u8 *wanted) {
    COLD static u8 now[512] __attribute__((aligned(16))); // QEMU's FXSAVE leaves FOP as it stood: zero
    rl_save_vectors(now);
    const bool same = same_x87((const u64 *)(const void *)now, (const u64 *)(const void *)wanted);
    if (same)
        load_sse(wanted);
    else
        __asm__ volatile("fxrstor64 %0" ::"m"(*(const u8(*)[512])wanted));
    return !same;
}
