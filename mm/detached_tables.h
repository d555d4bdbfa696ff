// mm/detached_tables.h — page tables taken out of the tree: freed once no core can have them cached.
//
// A processor keeps upper-level entries in its page-walk caches, so a detached table stays allocated until a
// TLB shootdown is over (APM vol 2 §5.5.2 "TLB Management").
#pragma once

#include "mm/formats.h"
#include "mm/frames.h"
#include "mm/tlb_shootdown.h"

namespace mm {

// Freed at its end: declared before the lock is taken, so that the shootdown runs after the lock is released.
template <PhysicalMemory M> class DetachedTables final {
  public:
    DetachedTables(Frames<M> &frames, TlbShootdown &tlb_shootdown)
        : frames_(frames), tlb_shootdown_(tlb_shootdown) {}
    DetachedTables(const DetachedTables &) = delete;
    ~DetachedTables() { free(); }

    // Before an address's tables are detached, one on each level but the root.
    void make_room() {
        if (count_ + HostFormat::levels > capacity) free();
    }
    void add(Phys table) {
        CHECK(count_ < capacity, "detached tables are freed before there are too many", count_);
        tables_[count_++] = table;
        batch_.add_frame(table);
    }
    // Tables on the way to `address` were detached. Invalidating one page drops the upper-level entries on
    // the way to it too.
    void add_path(Virt address) { batch_.add_page(address); }

    void free() {
        if (count_ == 0) return;
        tlb_shootdown_.run(batch_);
        for (u32 i = 0; i < count_; ++i)
            frames_.free_unreachable(tables_[i], frames_.owner_of(tables_[i])); // some are Owner::boot's
        count_ = 0, batch_.clear();
    }
    u32 count() const { return count_; }

  private:
    static constexpr u32 capacity = 16;
    static_assert(capacity <= ShootdownBatch::most_frames && HostFormat::levels <= capacity);

    Frames<M> &frames_;
    TlbShootdown &tlb_shootdown_;
    Phys tables_[capacity];
    u32 count_ = 0;
    ShootdownBatch batch_;
};

} // namespace mm
