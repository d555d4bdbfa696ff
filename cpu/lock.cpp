// cpu/lock.cpp — see lock.h.
#include "cpu/lock.h"

#include "base/check.h"
#include "base/core.h"

namespace cpu {

namespace {

// One core's locks: a cache line a core, which that core alone writes.
struct alignas(64) PerCore {
    u64 taken = 0;
    u32 held = 0;
    u32 interrupts = 0; // that this core is serving, one within the other
    const SpinLock *locks[most_locks] = {};
};
constinit PerCore cores[max_cores];

PerCore &mine() { return cores[current_core()]; }

} // namespace

u64 locks_taken() { return mine().taken; }

u32 locks_held(u32 core, const char *(&names)[most_locks]) {
    const PerCore &its = cores[core];
    const u32 count = its.held < most_locks ? its.held : most_locks; // another core may be changing them
    for (u32 i = 0; i < count; ++i) names[i] = its.locks[i]->name();
    return count;
}

bool holds_a_lock() { return mine().held != 0; }

InInterrupt::InInterrupt() { ++mine().interrupts; }
InInterrupt::~InInterrupt() { --mine().interrupts; }
bool in_interrupt() { return mine().interrupts != 0; }

// Also when the lock is free: on another run another core holds it, and the wrong order deadlocks.
void SpinLock::check_order() const {
    const PerCore &my = mine();
    if (my.held == 0) return;
    const SpinLock &innermost = *my.locks[my.held - 1];
    CHECK(innermost.rank_ < rank_, "locks are taken in their order", innermost.name_, name_);
}

void SpinLock::taken() {
    PerCore &my = mine();
    CHECK(my.held < most_locks, "a core holds few locks at a time", my.held, name_);
    my.locks[my.held++] = this;
    ++my.taken;
    holder_.store(current_core());
}

// A handler that waits for a lock held by the code it interrupted never gets it. try_lock does not wait.
void SpinLock::check_interrupts() {
    ways_ |= mine().interrupts != 0 ? by_interrupts : interrupts_enabled() ? with_interrupts_on : u8{0};
    CHECK(ways_ != (by_interrupts | with_interrupts_on),
          "a lock that interrupts take is only held with interrupts off", name_);
}

void SpinLock::lock() { static_cast<void>(lock_with_timeout(0)); }

bool SpinLock::lock_with_timeout(u64 ticks) {
    CHECK(!held_by_me(), "a core does not take a lock it holds", current_core(), name_);
    check_order();
    check_interrupts();
    const u32 ticket = next_.fetch_add(1);
    const u64 begin = ticks != 0 ? read_tsc() : 0;
    while (serving_.load(Order::acquire) != ticket) {
        if (ticks != 0 && read_tsc() - begin > ticks) return false;
        while_waiting();
        pause();
    }
    taken();
    return true;
}

bool SpinLock::try_lock() {
    u32 serving = serving_.load(Order::acquire);
    if (!next_.compare_exchange(serving, serving + 1, Order::acquire, Order::relaxed)) return false;
    taken();
    return true;
}

void SpinLock::unlock() {
    CHECK(held_by_me(), "a lock is released by its holder", holder_.load(), current_core(), name_);
    PerCore &my = mine();
    CHECK(my.held != 0 && my.locks[my.held - 1] == this, "the lock taken last is released first", name_);
    --my.held;
    holder_.store(no_core);
    serving_.bump(1, Order::release);
}

bool SpinLock::held_by_me() const { return holder_.load() == current_core(); }

} // namespace cpu
