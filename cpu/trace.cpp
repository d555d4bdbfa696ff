// cpu/trace.cpp — see trace.h.
#include "cpu/trace.h"

#include "base/check.h"
#include "cpu/ops.h"

namespace cpu {

namespace {
constinit TraceRing *rings[max_cores] = {};
} // namespace

void attach_trace(u32 core, TraceRing &ring) {
    CHECK(core < max_cores, "a core has a number below max_cores", core);
    rings[core] = &ring;
}

const TraceRing *trace_of(u32 core) { return core < max_cores ? rings[core] : nullptr; }

u64 trace(const TraceSite &site, u64 first, u64 second) {
    const u64 now = read_tsc();
    TraceRing *const ring = rings[current_core()];
    if (ring == nullptr) return now;
    // Claimed before it is filled. Plain loads and stores are enough: only this core writes here.
    const u64 number = ring->written.load();
    ring->written.store(number + 1);
    ring->records[number % TraceRing::capacity] = {now, &site, first, second};
    return now;
}

} // namespace cpu
