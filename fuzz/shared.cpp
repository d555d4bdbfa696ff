// fuzz/shared.cpp — see shared.h.
#include "fuzz/shared.h"

namespace fuzz {

bool SharedSet::claim(u64 number) {
    if (number == 0) number = 1;
    if (full()) return false;
    for (u32 slot = static_cast<u32>(number % capacity);; slot = (slot + 1) % capacity) {
        u64 expected = slots_[slot].load(Order::acquire);
        if (expected == 0 &&
            slots_[slot].compare_exchange(expected, number, Order::acq_rel, Order::acquire)) {
            count_.fetch_add(1);
            return true;
        }
        if (expected == number) return false;
    }
}

bool SharedSet::knows(u64 number) const {
    if (number == 0) number = 1;
    for (u32 slot = static_cast<u32>(number % capacity);; slot = (slot + 1) % capacity) {
        const u64 there = slots_[slot].load(Order::acquire);
        if (there == number || there == 0) return there == number;
    }
}

Shared::Shared(Arena &arena, const SharedSize &size, u64 case_limit)
    : edge_bits_(arena.take<Atomic<u64>>(size.edges / 64 + 1)), case_limit_(case_limit) {
    CHECK(size.cores != 0 && size.cores <= max_cores, "tables are sized for max_cores", size.cores);
    // A lane cannot be copied from a model: each takes its own ring.
    const Span<u8> room = arena.take<u8>(room_for<Lane>(size.cores), u8{0});
    Lane *const lanes = reinterpret_cast<Lane *>(room.data());
    for (u32 i = 0; i < size.cores; ++i) new (lanes + i) Lane(arena, size.lane_words);
    lanes_ = {lanes, size.cores};
}

u64 Shared::grant(u64 wanted) {
    if (stopping()) return 0;
    if (case_limit_ == 0) return wanted;
    if (granted_.load() >= case_limit_) return 0;
    const u64 before = granted_.fetch_add(wanted);
    return before >= case_limit_ ? 0 : min(wanted, case_limit_ - before);
}

u64 Shared::cases() const {
    u64 sum = 0;
    for (u32 core = 0; core < cores(); ++core) sum += counts_[core].cases.load();
    return sum;
}

Bytes Shared::edge_bits() const {
    return {reinterpret_cast<const u8 *>(edge_bits_.data()), edge_bits_.size() * sizeof(u64)};
}

void Shared::reached(u32 edge) {
    const u64 bit = 1ul << (edge % 64);
    if ((edge_bits_[edge / 64].fetch_or(bit) & bit) == 0) edges_reached_.fetch_add(1);
}

} // namespace fuzz
