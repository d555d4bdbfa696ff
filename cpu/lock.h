// cpu/lock.h — a ticket lock that knows its holder, and says so instead of hanging when it is misused.
//
// It does not disable interrupts: what an interrupt handler takes is taken with interrupts off everywhere
// (docs/invariants.md). Whoever waits serves the shoot-downs sent to it meanwhile, so a core that
// waits with interrupts off never holds up one that waits for its acknowledgement.
#pragma once

#include "base/types.h"
#include "cpu/ops.h"

namespace cpu {

// Called in every round of a wait; defined once per program. The kernel serves shoot-downs here.
void while_waiting();

// Locks this core has taken since it started: the hot path is shown to take none.
u64 locks_taken();

class [[clang::capability("lock")]] SpinLock {
  public:
    constexpr explicit SpinLock(const char *name) : name_(name) {}
    SpinLock(const SpinLock &) = delete;

    void lock() __attribute__((acquire_capability()));
    bool try_lock() __attribute__((try_acquire_capability(true)));
    void unlock() __attribute__((release_capability()));
    bool held_by_me() const;
    // For the panic path alone: takes the lock whoever holds it, since the holder may be dead.
    void seize() __attribute__((no_thread_safety_analysis));
    const char *name() const { return name_; }

  private:
    static constexpr u32 nobody = ~0u;
    const char *name_;
    u32 next_ = 0;
    u32 serving_ = 0;
    u32 holder_ = nobody;
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
