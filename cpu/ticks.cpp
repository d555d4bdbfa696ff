// cpu/ticks.cpp — see ticks.h.
#include "cpu/ticks.h"

#include "base/atomic.h"
#include "base/core.h"

namespace cpu {

namespace {
struct alignas(64) Count {
    Atomic<u64> ticks;
};
constinit Count counts[max_cores];
} // namespace

void note_tick() { counts[current_core()].ticks.bump(); }

u64 ticks_of(u32 core) { return counts[core].ticks.load(); }

u64 ticks() { return ticks_of(current_core()); }

} // namespace cpu
