// kernel/world.cpp — see world.h.
#include "kernel/world.h"

#include "base/log.h"
#include "dev/framebuffer.h"
#include "dev/screen.h"
#include "kernel/boot_memory.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"

namespace kernel {

constinit Late<World> world;

namespace {

// Freed ranges that a fault can still be explained by; each costs a record and tables until it is forgotten.
constexpr u32 quarantined_ranges = 1024;

constinit Late<mm::Window> first_window;
constinit Late<FramePool> first_pool;

void send_tlb_shootdown(void *, u32 core) { send_interrupt(core, tlb_shootdown_vector); }

constexpr mm::AllocationSite site(const char *type) { return {type, __FILE__, "settle_world", __LINE__}; }

rstate::Result<mm::Range> adopt(u64 first, u64 bytes, mm::Owner owner, mm::Permissions allowed,
                                const char *what) {
    return TRY(world->space.take_over(Virt(first), {align_up(bytes, page_size) / page_size, site(what),
                                                    mm::RangeKind::memory, owner, allowed, nullptr, 0, 0}),
               "taking over a mapping of the boot", Virt(first), bytes, what);
}

// The image is three neighbours with permissions of their own; its record says what most of it is.
rstate::Result<> adopt_boot_mappings(const boot::CoreArgs &args) {
    TRY(adopt(args.kernel_base, args.kernel_bytes, mm::Owner::boot, mm::read_execute, "kernel image"),
        "the kernel image");
    TRY(adopt(args.bundle, args.bundle_bytes, mm::Owner::none, mm::read_only, "bundle"), "the bundle");
    for (u32 core = 0; core < args.core_count; ++core) {
        const auto &its = *pointer_to<const boot::CoreArgs>(Virt(args.args_of[core]));
        TRY(adopt(its.stack_bottom, its.stack_top - its.stack_bottom, mm::Owner::boot, mm::read_write,
                  "core's stack"),
            "a stack", core);
        TRY(adopt(args.args_of[core], page_size, mm::Owner::boot, mm::read_only, "core's arguments"),
            "arguments", core);
        TRY(adopt(its.seed.window_base.value(), mm::window_bytes, mm::Owner::none, mm::read_write,
                  "core's window"),
            "a window", core); // what its slots show belongs to others
        TRY(adopt(its.seed.window_table.value(), page_size, mm::Owner::boot, mm::read_write,
                  "window's table"),
            "a window's table", core);
    }
    return rstate::done();
}

// What stage2 built for a core that was listed and did not come. The window's table goes with the window.
rstate::Result<> give_up(const boot::CoreArgs &its, Virt args_page) {
    struct Built {
        u64 first, bytes;
        mm::Owner owner;
    } const built[] = {
        {its.seed.window_table.value(), page_size, mm::Owner::none},
        {its.seed.window_base.value(), mm::window_bytes, mm::Owner::none},
        {its.stack_bottom, its.stack_top - its.stack_bottom, mm::Owner::boot},
        {args_page.value(), page_size, mm::Owner::boot},
    };
    for (const Built &b : built) {
        const mm::Range range = TRY(adopt(b.first, b.bytes, b.owner, mm::read_write, "absent core's"),
                                    "taking over what an absent core does not need", its.core);
        TRY(world->space.unmap_and_free(range, nullptr), "giving up what an absent core does not need",
            its.core);
    }
    return rstate::done();
}

// Memory was shared out before any core was started: what absent cores got is core 0's, joined where it
// touches.
class Inheritance {
  public:
    void add(const mm::PhysRange &range) {
        if (joined_.bytes != 0 && joined_.end() == range.first && joined_.node == range.node)
            joined_.bytes += range.bytes;
        else
            settle(), joined_ = range;
    }
    void settle() {
        if (joined_.bytes == 0) return;
        auto added = first_pool->add(joined_);
        if (!added.ok()) rstate::report(added.take_error(), "leaving memory of an absent core unused");
        joined_.bytes = 0;
    }

  private:
    mm::PhysRange joined_;
};
rstate::Result<> take_over_absent_cores(const boot::CoreArgs &args) {
    Inheritance inheritance;
    for (u32 core = args.core_count; core < max_cores && args.args_of[core] != 0; ++core) {
        const auto &its = *pointer_to<const boot::CoreArgs>(Virt(args.args_of[core]));
        for (u32 i = 0; i < its.seed.range_count; ++i) inheritance.add(its.seed.ranges[i]);
    }
    inheritance.settle();
    for (u32 core = args.core_count; core < max_cores && args.args_of[core] != 0; ++core)
        TRY(give_up(*pointer_to<const boot::CoreArgs>(Virt(args.args_of[core])), Virt(args.args_of[core])),
            "an absent core", core);
    return rstate::done();
}

// The page through which cores came: its frame is the boot's memory (boot_memory.h).
rstate::Result<> unmap_handover(const boot::CoreArgs &args) {
    world->space.release_unused(
        TRY(adopt(args.handover_page, page_size, mm::Owner::none, mm::read_execute, "way in"),
            "taking over the page through which cores came"));
    return rstate::done();
}

// Where lines are shown besides the serial line: pixels if the firmware drew some, whatever the VGA's
// registers say then, else text if there is such a screen.
rstate::Result<> map_screens(AddressSpace &space, const boot::Framebuffer &f) {
    if (f.base != 0 && is_aligned(f.base, page_size)) {
        const u64 bytes = u64{dev::Framebuffer::lines(f.height)} * f.stride * sizeof(u32);
        const mm::Range pixels =
            TRY(space.map_device(Phys(f.base), align_up(bytes, page_size) / page_size, site("framebuffer")),
                "mapping the framebuffer", Phys(f.base), bytes);
        attach_framebuffer(pointer_to<volatile u32>(pixels.first), f.width, f.height, f.stride, f.row);
    } else if (dev::Screen::shows_text()) {
        const mm::Range cells =
            TRY(space.map_device(Phys(dev::Screen::physical), 1, site("screen")), "mapping the screen");
        attach_screen(pointer_to<volatile u16>(cells.first));
    }
    return rstate::done();
}

} // namespace

World::World(Phys root)
    : tlb_shootdown({send_tlb_shootdown, nullptr}),
      frames(windows, {mm::TlbShootdown::invalidate_frames, &tlb_shootdown}),
      space(frames, tlb_shootdown, root, quarantined_ranges), heap(space) {}

rstate::Result<> make_world(const boot::CoreArgs &args) {
    World &made = world.make(args.seed.root);
    made.windows.attach(0, first_window.make(args.seed));
    FramePool &pool = first_pool.make(made.windows);
    for (u32 i = 0; i < args.seed.range_count; ++i)
        TRY(pool.add(args.seed.ranges[i]), "taking over core 0's memory", args.seed.ranges[i].first);
    made.frames.attach(0, pool);
    made.tlb_shootdown.join(&*first_window);
    made.space.mix_entropy({reinterpret_cast<const u8 *>(args.seed.entropy), sizeof args.seed.entropy});
    made.allocator = made.heap.allocator();

    const mm::Range apic =
        TRY(made.space.map_device(Phys(args.lapic), 1, site("local APIC")), "mapping the local APIC");
    set_apic(pointer_to<volatile u32>(apic.first));
    return map_screens(made.space, args.framebuffer);
}

rstate::Result<> settle_world(const boot::CoreArgs &args) {
    TRY(unmap_handover(args), "closing the way in");
    TRY(adopt_boot_mappings(args), "taking over what the boot mapped");
    TRY(take_over_absent_cores(args), "taking over what cores got that did not come");
    TRY(take_boot_memory(args, *first_pool), "taking back what only the boot needed");
    return rstate::done();
}

} // namespace kernel
