// base/atomic.h — words that several cores read and write: every access names its memory order.
#pragma once

#include "base/types.h"

// The C++ memory orders. `relaxed`: this word alone. `acquire` sees what was written before the matching
// `release`. `seq_cst`: one order of all such accesses, which both sides of a mutual check need.
enum class Order : int {
    relaxed = __ATOMIC_RELAXED,
    acquire = __ATOMIC_ACQUIRE,
    release = __ATOMIC_RELEASE,
    acq_rel = __ATOMIC_ACQ_REL,
    seq_cst = __ATOMIC_SEQ_CST,
};

// Inlined always: with a constant order, each is one instruction.
template <class T> class Atomic final {
  public:
    constexpr Atomic() = default;
    constexpr explicit Atomic(T value) : value_(value) {}
    Atomic(const Atomic &) = delete;

    [[gnu::always_inline]] T load(Order order = Order::relaxed) const {
        return __atomic_load_n(&value_, static_cast<int>(order));
    }
    [[gnu::always_inline]] void store(T value, Order order = Order::relaxed) {
        __atomic_store_n(&value_, value, static_cast<int>(order));
    }
    // For a word with one writer: cheaper than fetch_add, and enough.
    [[gnu::always_inline]] void bump(T by = 1, Order order = Order::relaxed) { store(load() + by, order); }

    // Each returns what was there before.
    [[gnu::always_inline]] T fetch_add(T by, Order order = Order::relaxed) {
        return __atomic_fetch_add(&value_, by, static_cast<int>(order));
    }
    [[gnu::always_inline]] T fetch_sub(T by, Order order = Order::relaxed) {
        return __atomic_fetch_sub(&value_, by, static_cast<int>(order));
    }
    [[gnu::always_inline]] T fetch_or(T bits, Order order = Order::relaxed) {
        return __atomic_fetch_or(&value_, bits, static_cast<int>(order));
    }
    [[gnu::always_inline]] T fetch_and(T bits, Order order = Order::relaxed) {
        return __atomic_fetch_and(&value_, bits, static_cast<int>(order));
    }
    [[gnu::always_inline]] T exchange(T value, Order order) {
        return __atomic_exchange_n(&value_, value, static_cast<int>(order));
    }
    // Replaces `expected` by `desired`; otherwise `expected` becomes what was there.
    [[gnu::always_inline]] bool compare_exchange(T &expected, T desired, Order success, Order failure) {
        return __atomic_compare_exchange_n(&value_, &expected, desired, false, static_cast<int>(success),
                                           static_cast<int>(failure));
    }

  private:
    T value_{};
};
static_assert(sizeof(Atomic<u32>) == 4 && sizeof(Atomic<u64>) == 8, "it is the word itself");

[[gnu::always_inline]] inline void fence(Order order) { __atomic_thread_fence(static_cast<int>(order)); }
