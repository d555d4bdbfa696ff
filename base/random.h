// base/random.h — two generators for two needs.
//
// Random is fast and repeatable: mutation draws from it, one seed gives one sequence (xoshiro256**).
// KeyedRandom is unpredictable: addresses (KASLR) and keys come from it. It is ChaCha20 in counter mode whose
// key is replaced on every refill, so earlier output cannot be computed from a later state, and which is
// reseeded by mixing entropy in, never by replacing what it has.
#pragma once

#include "base/span.h"
#include "base/types.h"

class Random {
  public:
    explicit Random(u64 seed);
    u64 next();
    // Uniform in [0, bound); bound is at least 1.
    u64 below(u64 bound) { return static_cast<u64>((static_cast<unsigned __int128>(next()) * bound) >> 64); }
    bool one_in(u64 n) { return below(n) == 0; }

  private:
    u64 state_[4];
};

class KeyedRandom {
  public:
    // Starts from a fixed key: worth nothing until `mix` has been called with something unpredictable.
    constexpr KeyedRandom() = default;
    void mix(Bytes entropy);
    void mix_u64(u64 entropy);
    u64 next();
    // Uniform in [0, bound), without bias; bound is at least 1.
    u64 below(u64 bound);

  private:
    void refill();
    u32 key_[8] = {};
    u64 counter_ = 0;
    u64 pool_[4] = {};
    u32 left_ = 0;
};

// One ChaCha20 block (RFC 8439 §2.3 "The ChaCha20 Block Function") with a 64-bit counter and a zero nonce.
void chacha20_block(const u32 (&key)[8], u64 counter, u32 (&out)[16]);
