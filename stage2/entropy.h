// stage2/entropy.h — the random numbers from which world.cpp draws the kernel base and every address (KASLR).
#pragma once

#include "base/random.h"
#include "boot/contract/handoff.h"

namespace stage2 {

struct Entropy {
    KeyedRandom random;
    u32 sources = 0; // as boot::CoreArgs::entropy_sources
};

// Mixes all sources: RDSEED and RDRAND where the CPU lists them, jitter of the time stamp against slow port
// reads, the clock, and the hand-off. Never one source alone.
void gather(Entropy &entropy, const boot::Handoff &handoff);

} // namespace stage2
