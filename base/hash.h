// base/hash.h — xxHash behind types: XXH64 for identity and integrity, XXH32 where the boot sector checks.
#pragma once

#include "base/span.h"
#include "base/types.h"

u64 xxh64(Bytes data, u64 seed = 0);
u32 xxh32(Bytes data, u32 seed = 0);

// XXH64 of a stream of pieces; the same digest as of the pieces joined.
class Xxh64 {
  public:
    explicit Xxh64(u64 seed = 0);
    void add(Bytes data);
    void add_u64(u64 value);
    u64 digest() const;

  private:
    alignas(8) u8 state_[88];
};
