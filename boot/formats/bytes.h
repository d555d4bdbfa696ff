// boot/formats/bytes.h — reads fixed-width little-endian structures out of untrusted bytes.
#pragma once

#include "base/span.h"

namespace boot {

// Copies a T out of `bytes` at `offset`, whatever its alignment; false when it does not lie inside.
template <class T> [[nodiscard]] bool load(Bytes bytes, u64 offset, T &out) {
    if (!bytes.holds(offset, sizeof(T))) return false;
    __builtin_memcpy(&out, bytes.data() + offset, sizeof(T));
    return true;
}

} // namespace boot
