// mm/must.h — for clean-up paths, where failure is a bug: reports the error and panics.
//
// Undoing and freeing only pin pages that exist already, and a pin fails only when all 512 window slots are
// held, which is a bug by itself.
#pragma once

#include "base/check.h"
#include "mm/physical.h"

namespace mm {

inline void must(rstate::Result<void> result, const char *doing) {
    if (result.ok()) return;
    rstate::report(result.take_error(), doing);
    CHECK(false, "a clean-up reaches its tables and records", doing);
}

template <PhysicalMemory M> typename M::Pin must_pin(M &memory, Phys page) {
    auto pin = memory.pin(page);
    if (!pin.ok()) {
        rstate::report(pin.take_error(), "freeing memory");
        CHECK(false, "there is a window slot to free a frame with", page);
    }
    return pin.take();
}

} // namespace mm
