// fuzz/crash_dedup.cpp — see crash_dedup.h.
#include "fuzz/crash_dedup.h"

namespace fuzz {

bool CrashDedup::claim(u64 hash) {
    if (hash == 0) hash = 1;
    if (full()) return false;
    for (u32 slot = static_cast<u32>(hash % capacity);; slot = (slot + 1) % capacity) {
        u64 expected = slots_[slot].load(Order::acquire);
        if (expected == 0 && slots_[slot].compare_exchange(expected, hash, Order::acq_rel, Order::acquire)) {
            count_.fetch_add(1);
            return true;
        }
        if (expected == hash) return false;
    }
}

u32 CrashDedup::slot_of(u64 hash) const {
    for (u32 slot = static_cast<u32>(hash % capacity);; slot = (slot + 1) % capacity) {
        const u64 there = slots_[slot].load(Order::acquire);
        if (there == hash || there == 0) return slot;
    }
}

bool CrashDedup::known(u64 hash) const {
    if (hash == 0) hash = 1;
    return slots_[slot_of(hash)].load(Order::acquire) == hash;
}

void CrashDedup::count_again(u64 hash) {
    if (hash == 0) hash = 1;
    again_[slot_of(hash)].fetch_add(1);
    came_again_.fetch_add(1);
}

} // namespace fuzz
