// guest/cpuid.h — the answers to CPUID: every target sees the same x86-64-v2 processor on every machine.
//
// Libraries choose their code by CPUID; with the host's answers one input would run differently on another
// machine. The answers show no AVX (its state is not part of the snapshot) and no RDRAND or RDSEED.
#pragma once

#include "base/types.h"

namespace guest {

struct CpuidAnswer {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidAnswer cpuid_answer(u32 leaf, u32 subleaf);

} // namespace guest
