// guest/tables.h — the guest's own page tables: written before it starts, changed when it asks for other
// rights (mmap, mprotect, munmap).
//
// Accessed and dirty bits are set in advance, so the processor never writes to a table. A change during a
// case makes the table private to its machine, and the reset restores it.
//
// The ASan shadow of memory that is not mapped reads as zero ("addressable") and cannot be written, so that a
// wild access faults at the access itself. Three tables, one for each level, map all of it to one page of
// zeros:
//
//   0x0000_7fff_8000 .. 0x0000_8fff_7000   shadow of low addresses: large pages where something is mapped
//   0x0000_8fff_7000 .. 0x0200_8fff_7000   not mapped: shadow of the shadow
//   0x0200_8fff_7000 .. 0x1000_7fff_8000   shadow of high addresses: zeros, but for the heap's shadow
#pragma once

#include "guest/layout.h"
#include "guest/memory.h"

namespace guest {

class Tables final {
  public:
    // `spare_used`: how many of the layout's spare tables split large pages already.
    Tables(Memory memory, const GuestLayout &layout, u64 spare_used = 0)
        : memory_(memory), layout_(layout), next_(layout.tables()), spare_used_(spare_used) {}

    // Maps the whole layout; the tables' memory is all zero before.
    rstate::Result<void> build();
    GuestPhys root() const { return layout_.tables(); }

    // Gives whole pages the rights RL_RIGHT_*; the caller makes the machine forget translations. False when
    // the target has no memory there, or no spare table is left to split a large page; then a part may be
    // changed.
    rstate::Result<bool> protect(u64 address, u64 size, u64 rights);
    u64 spare_used() const { return spare_used_; }

  private:
    // 1: the entry maps 4 KiB, 2: 2 MiB, 3: 1 GiB, 4: in the root.
    rstate::Result<GuestPhys> entry_for(u64 address, u32 level);
    rstate::Result<GuestPhys> new_table();
    rstate::Result<void> fill(GuestPhys table, u64 first, u64 count, u64 entry, u64 step);
    rstate::Result<void> map(const Region &region);
    rstate::Result<void> map_shared_zeros();
    rstate::Result<void> link_zeros(u64 start, u64 end, const GuestPhys (&zeros)[4]);
    rstate::Result<bool> split(GuestPhys place);
    u64 entry_with(const Region &region, u64 address, u64 rights, bool large) const;

    Memory memory_;
    const GuestLayout &layout_;
    GuestPhys next_;
    u64 spare_used_;
};

} // namespace guest
