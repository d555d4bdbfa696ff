// stage2/entropy.h — the randomness that the kernel's world is laid out by.
#pragma once

#include "base/random.h"
#include "boot/contract/handoff.h"

namespace stage2 {

struct Entropy {
    KeyedRandom random;
    u32 sources = 0; // as boot::CoreArgs::entropy_sources
};

// Mixes everything there is: RDSEED and RDRAND where the CPU lists them, the jitter of the time stamp against
// slow device reads, and what firmware and disk contributed. Never one source alone.
void gather(Entropy &entropy, const boot::Handoff &handoff);

} // namespace stage2
