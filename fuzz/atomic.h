// fuzz/atomic.h — a word that several cores read and write: every access names its ordering.
#pragma once

#include "base/types.h"

namespace fuzz {

template <class T> class Atomic {
  public:
    constexpr Atomic() = default;
    constexpr explicit Atomic(T value) : value_(value) {}
    Atomic(const Atomic &) = delete;

    // Alone, without an order towards other memory.
    T get() const { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
    void set(T value) { __atomic_store_n(&value_, value, __ATOMIC_RELAXED); }
    // For a word with one writer: cheaper than an atomic addition, and enough.
    void bump(T by = 1) { set(get() + by); }
    // Sees everything written before the matching `publish`.
    T acquire() const { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
    void publish(T value) { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }

    T fetch_add(T by) { return __atomic_fetch_add(&value_, by, __ATOMIC_RELAXED); }
    T fetch_or(T bits) { return __atomic_fetch_or(&value_, bits, __ATOMIC_RELAXED); }
    // Replaces `expected` by `desired`; otherwise `expected` becomes what was there.
    bool exchange_if(T &expected, T desired) {
        return __atomic_compare_exchange_n(&value_, &expected, desired, false, __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE);
    }

  private:
    T value_{};
};

} // namespace fuzz
