// stage2/entropy.cpp — see entropy.h.
#include "stage2/entropy.h"

#include "base/log.h"
#include "cpu/features.h"
#include "cpu/ops.h"

namespace stage2 {

namespace {

constexpr u32 hardware_words = 16;
constexpr u32 jitter_samples = 256; // chosen: at a pessimistic 1/2 bit each, 128 bits
constexpr u32 retries = 16;         // RDRAND may have no value for a moment (APM vol 3, "RDRAND")

bool mix_hardware(KeyedRandom &random, bool (*read)(u64 &)) {
    u64 words[hardware_words];
    for (u64 &word : words) {
        u32 tries = 0;
        while (!read(word))
            if (++tries == retries) return false;
    }
    random.mix({reinterpret_cast<const u8 *>(words), sizeof words});
    return true;
}

// A port read crosses clock domains, so its duration in time-stamp ticks varies from one to the next.
void mix_jitter(KeyedRandom &random) {
    u64 stamps[jitter_samples];
    for (u64 &stamp : stamps) {
        cpu::in8(0x61);
        stamp = cpu::read_tsc();
    }
    random.mix({reinterpret_cast<const u8 *>(stamps), sizeof stamps});
}

// The real-time clock, seconds to years: not secret, but different in each boot.
void mix_clock(KeyedRandom &random) {
    u8 clock[16];
    for (u32 i = 0; i < sizeof clock; ++i) {
        cpu::out8(0x70, static_cast<u8>(i));
        clock[i] = cpu::in8(0x71);
    }
    random.mix({clock, sizeof clock});
}

} // namespace

void gather(Entropy &entropy, const boot::Handoff &handoff) {
    const cpu::Features features = cpu::Features::read();
    entropy.random.mix({reinterpret_cast<const u8 *>(&handoff), sizeof handoff});
    mix_clock(entropy.random);
    mix_jitter(entropy.random);
    entropy.sources = 4;
    if (features.rdrand && mix_hardware(entropy.random, cpu::read_rdrand)) entropy.sources |= 1;
    if (features.rdseed && mix_hardware(entropy.random, cpu::read_rdseed)) entropy.sources |= 2;
    LOG(stage2, "entropy: RDRAND {}, RDSEED {}, time-stamp jitter and clock always",
        (entropy.sources & 1) != 0, (entropy.sources & 2) != 0);
}

} // namespace stage2
