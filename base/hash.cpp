// base/hash.cpp — see hash.h.
#include "base/hash.h"

extern "C" {
u64 rl_xxh64(const void *data, u64 size, u64 seed);
u32 rl_xxh32(const void *data, u64 size, u32 seed);
void rl_xxh64_reset(void *state, u64 seed);
void rl_xxh64_update(void *state, const void *data, u64 size);
u64 rl_xxh64_digest(const void *state);
}

u64 xxh64(Bytes data, u64 seed) { return rl_xxh64(data.data(), data.size(), seed); }
u32 xxh32(Bytes data, u32 seed) { return rl_xxh32(data.data(), data.size(), seed); }

Xxh64::Xxh64(u64 seed) { rl_xxh64_reset(state_, seed); }

void Xxh64::add(Bytes data) {
    if (!data.empty()) rl_xxh64_update(state_, data.data(), data.size());
}

void Xxh64::add_u64(u64 value) {
    const u8 *bytes = reinterpret_cast<const u8 *>(&value);
    add({bytes, sizeof value});
}

u64 Xxh64::digest() const { return rl_xxh64_digest(state_); }
