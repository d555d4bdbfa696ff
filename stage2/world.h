// stage2/world.h — the kernel's address space, built page by page at random places before the kernel exists.
//
// What is live has unmapped pages on both sides, and no page is both writable and executable. Works under
// stage1's identity map, so every frame it touches lies below 4 GiB.
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
    // Maps the image's segments with their own permissions at a random base; relocates the file where it
    // lies.
    rstate::Result<LoadedKernel> load_kernel(MutableBytes file);
    // `pages` fresh zeroed frames at a random place.
    rstate::Result<Virt> map_fresh(u64 pages, mm::Permissions allowed);
    // One fresh frame that stage2 goes on writing to, through its identity map.
    rstate::Result<Mapped> map_page(mm::Permissions allowed);
    // Existing memory at a random place.
    rstate::Result<Virt> map_existing(Phys first, u64 bytes, mm::Permissions allowed);
    // One page at its own address, executable: where cores change from the boot's tables to the kernel's.
    rstate::Result<> map_handover(Phys page);
    // A window for one core, filled into `seed`.
    rstate::Result<> make_window(mm::CoreSeed &seed);

  private:
    World(Table table, mm::BootFrames frames, KeyedRandom &random)
        : table_(table), frames_(frames), random_(&random) {}
    rstate::Result<Virt> place(u64 pages, u64 alignment);
    rstate::Result<bool> is_free(Virt first, u64 pages);
    // One fresh zeroed frame at this place.
    rstate::Result<Phys> map_new(Virt page, mm::Permissions allowed);
    rstate::Result<> load_segment(const KernelFile::Segment &segment, Virt base);

    Table table_;
    mm::BootFrames frames_;
    KeyedRandom *random_;
};

} // namespace stage2
