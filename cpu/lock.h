// cpu/lock.h — a ticket spinlock that knows its holder and panics when it is misused, instead of hanging.
//
// It does not disable interrupts: a lock that an interrupt handler takes is taken with interrupts off
// everywhere (docs/invariants.md). A core that waits serves TLB shootdowns meanwhile, so a core that waits
// with interrupts off never blocks one that waits for its acknowledgement.
//
// Misuse that could deadlock is caught at once, also when no core waits: every core knows the locks that it
// holds and takes them only in rising order of rank; and a lock that an interrupt handler has taken is never
// taken with interrupts on, nor the other way round.
#pragma once

#include "base/atomic.h"
#include "base/types.h"
#include "cpu/ops.h"

namespace cpu {

// Called in every round of a wait; defined once per program. The kernel serves TLB shootdowns here.
void while_waiting();

// Locks this core has taken since it started: tests show that the hot path takes none.
u64 locks_taken();

// The names of the locks that a core holds, outermost first, for reports; returns how many it holds.
constexpr u32 most_locks = 5;
u32 locks_held(u32 core, const char *(&names)[most_locks]);
// Whether this core holds any.
bool holds_a_lock();

// Lives while this core serves an interrupt.
class InInterrupt {
  public:
    InInterrupt();
    ~InInterrupt();
    InInterrupt(const InInterrupt &) = delete;
};
bool in_interrupt();

class [[clang::capability("lock")]] SpinLock {
  public:
    // A core that holds a lock takes only locks of higher rank; docs/invariants.md has the order.
    constexpr SpinLock(const char *name, u8 rank) : name_(name), rank_(rank) {}
    SpinLock(const SpinLock &) = delete;

    void lock() __attribute__((acquire_capability()));
    // False when it is not free within so many ticks of the time stamp (0: waits without limit). On timeout
    // the holder is assumed dead and the lock can never be taken again. Panic path only.
    bool lock_with_timeout(u64 ticks) __attribute__((try_acquire_capability(true)));
    bool try_lock() __attribute__((try_acquire_capability(true)));
    void unlock() __attribute__((release_capability()));
    bool held_by_me() const;
    const char *name() const { return name_; }

  private:
    static constexpr u32 no_core = ~0u;
    // How the lock was ever taken: both together can deadlock.
    static constexpr u8 by_interrupts = 1, with_interrupts_on = 2;
    void taken();
    void check_order() const;
    void check_interrupts();

    const char *name_;
    Atomic<u32> next_;
    Atomic<u32> serving_;
    Atomic<u32> holder_{no_core};
    u8 rank_;
    u8 ways_ = 0;
};

class [[clang::scoped_lockable]] Guard {
  public:
    explicit Guard(SpinLock &lock) __attribute__((acquire_capability(lock))) : lock_(lock) { lock_.lock(); }
    ~Guard() __attribute__((release_capability())) { lock_.unlock(); }
    Guard(const Guard &) = delete;

  private:
    SpinLock &lock_;
};

// Interrupts off for a scope, restored to what they were.
class InterruptsOff {
  public:
    InterruptsOff() : were_on_(interrupts_enabled()) { disable_interrupts(); }
    ~InterruptsOff() {
        if (were_on_) enable_interrupts();
    }
    InterruptsOff(const InterruptsOff &) = delete;

  private:
    bool were_on_;
};

} // namespace cpu
