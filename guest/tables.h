// guest/tables.h — the guest's own page tables: written before it starts, changed only by mprotect during
// start-up, never after the snapshot.
//
// Accessed and dirty bits are set in advance, so the processor never writes to a table.
//
// The ASan shadow of memory that is not mapped reads as zero ("addressable") and cannot be written, so that a
// wild access faults at the access itself. Three tables, one for each level, map all of it to one page of
// zeros:
//
//   0x0000_7fff_8000 .. 0x0000_8fff_7000   shadow of low addresses: large pages where something is mapped
//   0x0000_8fff_7000 .. 0x0200_8fff_7000   not mapped: shadow of the shadow
//   0x0200_8fff_7000 .. 0x1000_7fff_8000   shadow of high addresses: zeros
#pragma once

#include "guest/layout.h"
#include "guest/memory.h"

namespace guest {

class Tables final {
  public:
    Tables(Memory memory, const GuestLayout &layout)
        : memory_(memory), layout_(layout), next_(layout.tables()) {}

    // Maps the whole layout; the tables' memory is all zero before.
    rstate::Result<void> build();
    GuestPhys root() const { return layout_.tables(); }

    enum class Rights : u8 { none, read, read_write, read_execute };
    // Changes small pages of the program; not after the snapshot.
    rstate::Result<void> protect(u64 address, u64 size, Rights rights);

  private:
    // 1: the entry maps 4 KiB, 2: 2 MiB, 3: 1 GiB, 4: in the root.
    rstate::Result<GuestPhys> entry_for(u64 address, u32 level);
    rstate::Result<GuestPhys> new_table();
    rstate::Result<void> fill(GuestPhys table, u64 first, u64 count, u64 entry, u64 step);
    rstate::Result<void> map(const Region &region);
    rstate::Result<void> map_shared_zeros();
    rstate::Result<void> link_zeros(u64 start, u64 end, const GuestPhys (&zeros)[4]);

    Memory memory_;
    const GuestLayout &layout_;
    GuestPhys next_;
};

} // namespace guest
