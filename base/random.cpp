// base/random.cpp — see random.h.
#include "base/random.h"

#include "base/hash.h"

namespace {

constexpr u64 rotl(u64 x, unsigned k) { return (x << k) | (x >> (64 - k)); }
constexpr u32 rotl32(u32 x, unsigned k) { return (x << k) | (x >> (32 - k)); }

u64 splitmix(u64 &state) {
    state += 0x9e3779b97f4a7c15;
    u64 z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void quarter_round(u32 &a, u32 &b, u32 &c, u32 &d) {
    a += b, d = rotl32(d ^ a, 16);
    c += d, b = rotl32(b ^ c, 12);
    a += b, d = rotl32(d ^ a, 8);
    c += d, b = rotl32(b ^ c, 7);
}

} // namespace

Random::Random(u64 seed) {
    for (u64 &word : state_) word = splitmix(seed);
}

u64 Random::next() {
    const u64 result = rotl(state_[1] * 5, 7) * 9;
    const u64 t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
}

void chacha20_block(const u32 (&key)[8], u64 counter, u32 (&out)[16]) {
    u32 in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (u32 i = 0; i < 8; ++i) in[4 + i] = key[i];
    in[12] = static_cast<u32>(counter);
    in[13] = static_cast<u32>(counter >> 32);
    for (u32 i = 0; i < 16; ++i) out[i] = in[i];
    for (u32 round = 0; round < 10; ++round) {
        for (u32 i = 0; i < 4; ++i) quarter_round(out[i], out[4 + i], out[8 + i], out[12 + i]);
        for (u32 i = 0; i < 4; ++i)
            quarter_round(out[i], out[4 + (i + 1) % 4], out[8 + (i + 2) % 4], out[12 + (i + 3) % 4]);
    }
    for (u32 i = 0; i < 16; ++i) out[i] += in[i];
}

void KeyedRandom::mix(Bytes entropy) {
    // The hash spreads the entropy over the key; the old key stays in, so mixing never makes it worse.
    for (u32 half = 0; half < 4; ++half) {
        const u64 word = xxh64(entropy, 0x5241434c00000000 + half);
        key_[2 * half] ^= static_cast<u32>(word);
        key_[2 * half + 1] ^= static_cast<u32>(word >> 32);
    }
    refill();
}

void KeyedRandom::mix_u64(u64 entropy) {
    const u8 *bytes = reinterpret_cast<const u8 *>(&entropy);
    mix({bytes, sizeof entropy});
}

void KeyedRandom::refill() {
    u32 block[16];
    chacha20_block(key_, counter_++, block);
    for (u32 i = 0; i < 8; ++i) key_[i] = block[i];
    for (u32 i = 0; i < 4; ++i) pool_[i] = block[8 + 2 * i] | static_cast<u64>(block[9 + 2 * i]) << 32;
    left_ = 4;
}

u64 KeyedRandom::next() {
    if (left_ == 0) refill();
    const u64 word = pool_[--left_];
    pool_[left_] = 0;
    return word;
}

u64 KeyedRandom::below(u64 bound) {
    // Values under 2^64 mod bound would make small results likelier: draw again.
    const u64 surplus = (0 - bound) % bound;
    u64 word = next();
    while (word < surplus) word = next();
    return word % bound;
}
