// rstate/in_flight.cpp — prints the chains in flight on a core: made and not yet consumed. For panic and
// debugger.
#include "rstate/error.h"

namespace rstate {

namespace {

bool in_use(const Pool &pool, u32 index) { return (pool.used[index / 64].load() >> (index % 64) & 1) != 0; }

bool leads_to(const Pool &pool, const Frame &frame) {
    for (u32 i = 0; i < frames_per_pool; ++i)
        if (in_use(pool, i) && (pool.frames[i].inner == &frame || pool.frames[i].after == &frame))
            return true;
    return false;
}

// An outermost frame is neither inside another frame nor linked behind one, in any core's pool: errors move
// between cores.
bool is_outermost(const Frame &frame) {
    for (u32 core = 0; core < max_cores; ++core) {
        const Pool *pool = pool_of_core(core);
        if (pool != nullptr && leads_to(*pool, frame)) return false;
    }
    return true;
}

} // namespace

void print_in_flight(const Output &out, u32 core) {
    const Pool *pool = pool_of_core(core);
    if (pool == nullptr) return;
    for (u32 i = 0; i < frames_per_pool; ++i)
        if (in_use(*pool, i) && is_outermost(pool->frames[i])) print_frames(out, pool->frames[i]);
}

} // namespace rstate
