// cpu/ticks.cpp — see ticks.h.
#include "cpu/ticks.h"

#include "base/core.h"

namespace cpu {

namespace {
struct alignas(64) Count {
    u64 ticks = 0;
};
constinit Count counts[max_cores];
} // namespace

void note_tick() {
    u64 &mine = counts[current_core()].ticks;
    __atomic_store_n(&mine, mine + 1, __ATOMIC_RELAXED);
}

u64 ticks_of(u32 core) { return __atomic_load_n(&counts[core].ticks, __ATOMIC_RELAXED); }

u64 ticks() { return ticks_of(current_core()); }

} // namespace cpu
