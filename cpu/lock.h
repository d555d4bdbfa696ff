// cpu/lock.h — a ticket lock that knows its holder, and says so instead of hanging when it is misused.
//
// It does not disable interrupts: what an interrupt handler takes is taken with interrupts off everywhere
// (docs/invariants.md). Whoever waits serves the shoot-downs sent to it meanwhile, so a core that
// waits with interrupts off never holds up one that waits for its acknowledgement.
//
// Misuse that would hang one day is caught on the first day, whether or not anybody waits: every core knows
// the locks that it holds, which are taken in rising order of their ranks alone, and a lock that an interrupt
// handler has taken is never again taken with interrupts on, nor the other way round.
#pragma once

#include "base/atomic.h"
#include "base/types.h"
#include "cpu/ops.h"

namespace cpu {

// Called in every round of a wait; defined once per program. The kernel serves shoot-downs here.
void while_waiting();

// Locks this core has taken since it started: the hot path is shown to take none.
u64 locks_taken();

// The names of the locks that a core holds, outermost first, for reports; returns how many it holds.
constexpr u32 most_locks = 5;
u32 locks_held(u32 core, const char *(&names)[most_locks]);
// Whether this core holds any.
bool holds_a_lock();

// Lives while this core serves an interrupt: what came between any two instructions.
class InInterrupt {
  public:
    InInterrupt();
    ~InInterrupt();
    InInterrupt(const InInterrupt &) = delete;
};
bool in_interrupt();

class [[clang::capability("lock")]] SpinLock {
  public:
    // Who holds a lock takes only locks of higher rank; docs/invariants.md has the order.
    constexpr SpinLock(const char *name, u8 rank) : name_(name), rank_(rank) {}
    SpinLock(const SpinLock &) = delete;

    void lock() __attribute__((acquire_capability()));
    // False when it cannot be had within so many ticks of the time stamp (0: waits for ever). Its holder is
    // then taken for dead, and the lock is lost for all: it is for last words alone.
    bool lock_with_timeout(u64 ticks) __attribute__((try_acquire_capability(true)));
    bool try_lock() __attribute__((try_acquire_capability(true)));
    void unlock() __attribute__((release_capability()));
    bool held_by_me() const;
    const char *name() const { return name_; }

  private:
    static constexpr u32 nobody = ~0u;
    // How the lock was ever taken: one of them is enough, both together are a deadlock that waits to happen.
    static constexpr u8 by_interrupts = 1, with_interrupts_on = 2;
    void taken();
    void check_order() const;
    void check_interrupts();

    const char *name_;
    Atomic<u32> next_;
    Atomic<u32> serving_;
    Atomic<u32> holder_{nobody};
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
