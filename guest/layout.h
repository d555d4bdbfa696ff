// guest/layout.h — where everything of a target lies, in its address space and in the machine's memory.
//
// Guest virtual, from below:
//
//   0x0020_0000   the system calls' stub, for the supervisor only
//   0x0040_0000   the ELF, each segment with its own rights
//   0x0800_0000   program break, 4 MiB
//   0x0a00_0000   anonymous mappings, 16 MiB
//   0x1000_0000   heap arena, 64 MiB
//   0x2000_0000   input arena, 2 MiB
//   0x2fe0_0000   stack, 2 MiB
//   0x7fff_8000   AddressSanitizer's shadow (tables.h)
//
// Guest physical, from 0: a page that is nobody's, so that no table entry of 0 leads anywhere; page tables;
// the page of zeros; the stub; the ELF's segments; from the next multiple of 2 MiB on all the rest.
//
// What is not the ELF is mapped by 2 MiB pages: fewer tables are walked, so fewer pages turn dirty. Memory
// that is never touched costs nothing.
#pragma once

#include "base/addr.h"
#include "boot/formats/elf.h"
#include "targets/runtime/abi.h"

namespace guest {

constexpr u64 large_page_size = 2_MiB;

constexpr u64 stub_address = 0x0020'0000;
constexpr u64 break_base = 0x0800'0000;
constexpr u64 break_size = 4_MiB;
constexpr u64 mapping_base = 0x0a00'0000;
constexpr u64 mapping_size = 16_MiB;
constexpr u64 stack_bottom = RL_STACK_TOP - RL_STACK_SIZE;

// The shadow of the lower part of the address space, and of the upper: what lies between is not mapped, as
// under Linux, because it would be the shadow of the shadow. A wild pointer into it faults on its own shadow.
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

class Plan final {
  public:
    static constexpr u32 max_regions = 24;

    // Fails when the program does not fit between its base and the break.
    static rstate::Result<Plan> make(const boot::Elf &elf);

    Span<const Region> regions() const { return {regions_.elements, count_}; }
    // The region of the target that holds all of [address, address + size), or nullptr. Shadow is none of
    // them.
    const Region *find(u64 address, u64 size) const;
    bool readable(u64 address, u64 size) const { return find(address, size) != nullptr; }
    bool writable(u64 address, u64 size) const;

    GuestPhys tables() const { return GuestPhys(page_size); }
    u64 table_pages() const { return table_pages_; }
    GuestPhys zero_page() const { return tables() + table_pages_ * page_size; }
    GuestPhys stub_page() const { return zero_page() + page_size; }
    u64 memory_needed() const { return next_.value(); }

  private:
    rstate::Result<void> add_image(const boot::Elf &elf);
    void add_large(const char *name, u64 address, u64 size);
    void add_shadow(const char *name, u64 address, u64 size);
    void add(const Region &region);

    Array<Region, max_regions> regions_ = {};
    u32 count_ = 0;
    u32 target_count_ = 0; // of them the target's own: the first ones
    u64 table_pages_ = 0;
    GuestPhys next_;
};

} // namespace guest
