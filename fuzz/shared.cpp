// fuzz/shared.cpp — see shared.h.
#include "fuzz/shared.h"

#include "fuzz/hit_levels.h"

namespace fuzz {

Shared::Shared(Arena &arena, const SharedSize &size, u64 case_limit)
    : edge_bits_(arena.take<Atomic<u64>>(size.edges / 64 + 1)), hits_(arena.take<Atomic<u32>>(size.edges)),
      levels_(arena.take<u8>(size.edges, u8{0})), case_limit_(case_limit) {
    CHECK(size.cores != 0 && size.cores <= max_cores, "tables are sized for max_cores", size.cores);
    // A ring cannot be copied, so each one is constructed in place.
    const u32 count = size.cores + 1;
    const Span<u8> room = arena.take<u8>(room_for<InputRing>(count), u8{0});
    InputRing *const rings = reinterpret_cast<InputRing *>(room.data());
    for (u32 i = 0; i < count; ++i) new (rings + i) InputRing(arena, size.ring_words);
    rings_ = {rings, count};
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

void Shared::add_hits(u32 edge, u64 hits) {
    // At most so many that the sum of all cores fits.
    hits_[edge].fetch_add(static_cast<u32>(min(hits, u64{~0u / max_cores})));
}

Bytes Shared::hit_levels() {
    for (u32 edge = 0; edge < hits_.size(); ++edge) levels_[edge] = hit_level(hits_[edge].load());
    return {levels_.data(), levels_.size()};
}

void Shared::reached(u32 edge) {
    const u64 bit = 1ul << (edge % 64);
    if ((edge_bits_[edge / 64].fetch_or(bit) & bit) == 0) edges_reached_.fetch_add(1);
}

} // namespace fuzz
