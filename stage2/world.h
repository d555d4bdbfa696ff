// stage2/world.h — builds the kernel's address space: chooses the kernel base and every other address at
// random (KASLR), maps the kernel's segments with their own permissions.
//
// Every range has unmapped pages on both sides, and no page is both writable and executable. stage2 writes
// frames through the boot's identity map, so all of them lie below 4 GiB.
#pragma once

#include "base/random.h"
#include "boot/contract/core_args.h"
#include "mm/absent_entry.h"
#include "mm/boot_frames.h"
#include "mm/identity.h"
#include "mm/page_table.h"
#include "stage2/kernel_file.h"

namespace stage2 {

struct LoadedKernel {
    u64 build_id = 0;
    Virt base;
    Virt entry;
    u64 bytes = 0;
    u64 text_bytes = 0;
};

struct Mapped {
    Virt address;
    Phys first_frame;
};

class World final {
  public:
    using Table = mm::PageTable<mm::HostFormat, mm::IdentityMemory>;

    static rstate::Result<World> make(mm::IdentityMemory &memory, mm::BootFrames frames, KeyedRandom &random);

    Phys root() const { return table_.root(); }
    // Chooses the kernel base, relocates the file in place, and maps the image's segments.
    rstate::Result<LoadedKernel> load_kernel(MutableBytes file);
    // Maps `pages` new zeroed frames at a random place.
    rstate::Result<Virt> map_fresh(u64 pages, mm::Permissions allowed);
    // Maps one new zeroed frame at a random place; stage2 writes to it through the identity map.
    rstate::Result<Mapped> map_page(mm::Permissions allowed);
    // Maps existing memory at a random place.
    rstate::Result<Virt> map_existing(Phys first, u64 bytes, mm::Permissions allowed);
    // Maps one page at its physical address, executable: there cores change from the boot's page tables to
    // the kernel's.
    rstate::Result<> map_handover(Phys page);
    // Makes one core's window and fills it into `seed`.
    rstate::Result<> make_window(mm::CoreSeed &seed);

  private:
    World(Table table, mm::BootFrames frames, KeyedRandom &random)
        : table_(table), frames_(frames), random_(&random) {}
    rstate::Result<Virt> random_place(u64 pages, u64 alignment);
    rstate::Result<bool> is_free(Virt first, u64 pages);
    // Maps one new zeroed frame there.
    rstate::Result<Phys> map_new(Virt page, mm::Permissions allowed);
    rstate::Result<> load_segment(const KernelFile::Segment &segment, Virt base);

    Table table_;
    mm::BootFrames frames_;
    KeyedRandom *random_;
};

} // namespace stage2
