// guest/layout.h — the guest layout: where the target's segments, heap, input, stack and ASan shadow lie, in
// its address space and in the machine's memory.
//
// Guest virtual, from below:
//
//   0x0020_0000        the system call stub, for the supervisor only
//   0x0040_0000        the ELF, each segment with its own rights
//   0x0800_0000        program break, 4 MiB
//   0x2000_0000        input arena, 4 MiB
//   0x2f80_0000        stack, 8 MiB
//   0x7fff_8000        AddressSanitizer's shadow memory (its page tables: tables.h)
//   0x6020_0000_0000   heap arena, 2 GiB
//   0x7f00_0000_0000   mappings (mmap, stacks of threads), 1 GiB
//   0x7f00_8000_0000   the bytes of files, 256 MiB
//
// Guest physical, from 0: an unused page, so that a table entry of 0 points to nothing; page tables; the page
// of zeros; the stub; the ELF's segments; from the next multiple of 2 MiB on, everything else.
//
// Everything but the ELF is mapped with 2 MiB pages: a walk reads fewer tables. Memory that the target never
// touches takes no frames: the machine has more than 3 GiB of memory by its addresses, a target uses a few
// MiB.
#pragma once

#include "base/addr.h"
#include "boot/formats/elf.h"
#include "targets/runtime/abi.h"

namespace guest {

constexpr u64 large_page_size = 2_MiB;

constexpr u64 stub_address = 0x0020'0000;
constexpr u64 break_base = RL_BREAK_BASE;
constexpr u64 break_size = RL_BREAK_SIZE;
constexpr u64 stack_bottom = RL_STACK_TOP - RL_STACK_SIZE;

// ASan shadow layout: [shadow_start, shadow_gap) is the shadow of the lower part of the address space,
// [high_shadow, shadow_end) of the upper part. Between them lies the shadow of the shadow, which is not
// mapped, as under Linux: a wild pointer into the shadow faults at its check.
constexpr u64 shadow_start = RL_SHADOW_OFFSET;
constexpr u64 shadow_gap = RL_SHADOW_OF(RL_SHADOW_OFFSET);
constexpr u64 high_shadow = RL_SHADOW_OF(0x1000'7fff'8000);
constexpr u64 shadow_end = RL_SHADOW_OF(1ul << 47);

struct Region {
    const char *name = "";
    u64 address = 0; // whole pages
    u64 size = 0;
    GuestPhys physical;
    bool writable = false, executable = false, large = false;

    u64 end() const { return address + size; }
    bool holds(u64 at, u64 bytes) const {
        return at >= address && at - address <= size && bytes <= size - (at - address);
    }
};

class GuestLayout final {
  public:
    static constexpr u32 max_regions = 24;

    // Fails when the program does not fit between its base and the program break.
    static rstate::Result<GuestLayout> make(const boot::Elf &elf);

    Span<const Region> regions() const { return {regions_.elements, count_}; }
    // The region that holds all of [address, address + size), or nullptr; shadow regions are not searched.
    const Region *find(u64 address, u64 size) const;
    bool readable(u64 address, u64 size) const { return find(address, size) != nullptr; }
    bool writable(u64 address, u64 size) const;

    GuestPhys tables() const { return GuestPhys(page_size); }
    u64 table_pages() const { return table_pages_; }
    GuestPhys zero_page() const { return tables() + table_pages_ * page_size; }
    // The shadow of the whole heap arena, which holds RL_SHADOW_HEAP until the runtime writes it.
    GuestPhys heap_shadow() const { return heap_shadow_; }
    static constexpr u64 heap_shadow_pages = (RL_HEAP_SIZE >> RL_SHADOW_SHIFT) / page_size;
    GuestPhys stub_page() const { return zero_page() + page_size; }
    // For large pages that are split when the target changes rights of a part.
    static constexpr u64 spare_table_pages = 512;
    GuestPhys spare_tables() const { return spare_tables_; }
    u64 memory_needed() const { return next_.value(); }

  private:
    rstate::Result<void> add_image(const boot::Elf &elf);
    void add_large(const char *name, u64 address, u64 size);
    GuestPhys add_shadow(const char *name, u64 address, u64 size);
    void add(const Region &region);

    Array<Region, max_regions> regions_ = {};
    u32 count_ = 0;
    u32 target_count_ = 0; // the first regions are the target's own, the others are shadow
    u64 table_pages_ = 0;
    GuestPhys spare_tables_, heap_shadow_;
    GuestPhys next_;
};

} // namespace guest
