// guest/cpuid.h — the processor that every target sees: x86-64-v2, the same on every machine.
//
// Libraries choose their code by CPUID; if the host's answers came through, one input would run differently
// on another machine. There is no AVX (its state is not part of the snapshot) and no RDRAND or RDSEED.
#pragma once

#include "base/types.h"

namespace guest {

struct CpuidAnswer {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidAnswer cpuid_answer(u32 leaf, u32 subleaf);

} // namespace guest
