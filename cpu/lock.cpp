// cpu/lock.cpp — see lock.h.
#include "cpu/lock.h"

#include "base/check.h"
#include "base/core.h"

namespace cpu {

namespace {

// A cache line for each core, which alone writes it.
struct alignas(64) Count {
    u64 value = 0;
};
constinit Count taken[max_cores];

} // namespace

u64 locks_taken() { return taken[current_core()].value; }

void SpinLock::lock() {
    const u32 me = current_core();
    CHECK(__atomic_load_n(&holder_, __ATOMIC_RELAXED) != me, "a core does not take a lock it holds", me);
    const u32 ticket = __atomic_fetch_add(&next_, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&serving_, __ATOMIC_ACQUIRE) != ticket) {
        while_waiting();
        pause();
    }
    __atomic_store_n(&holder_, me, __ATOMIC_RELAXED);
    ++taken[me].value;
}

bool SpinLock::try_lock() {
    u32 serving = __atomic_load_n(&serving_, __ATOMIC_ACQUIRE);
    if (!__atomic_compare_exchange_n(&next_, &serving, serving + 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    __atomic_store_n(&holder_, current_core(), __ATOMIC_RELAXED);
    return true;
}

void SpinLock::unlock() {
    CHECK(held_by_me(), "a lock is released by its holder", __atomic_load_n(&holder_, __ATOMIC_RELAXED),
          current_core());
    __atomic_store_n(&holder_, nobody, __ATOMIC_RELAXED);
    __atomic_store_n(&serving_, serving_ + 1, __ATOMIC_RELEASE);
}

bool SpinLock::held_by_me() const { return __atomic_load_n(&holder_, __ATOMIC_RELAXED) == current_core(); }

void SpinLock::seize() {
    const u32 serving = __atomic_load_n(&serving_, __ATOMIC_RELAXED);
    __atomic_store_n(&next_, serving + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&holder_, current_core(), __ATOMIC_RELAXED);
}

} // namespace cpu
