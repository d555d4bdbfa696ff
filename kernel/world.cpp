// kernel/world.cpp — starts memory management and takes over what the boot left; see world.h.
#include "kernel/world.h"

#include "base/log.h"
#include "dev/framebuffer.h"
#include "dev/screen.h"
#include "kernel/boot_memory.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/stray.h"
#include "kernel/entry/traps.h"

namespace kernel {

constinit LateInit<World> world;

namespace {

// Freed ranges that the address space remembers to explain faults; each uses a record and page tables
// meanwhile.
constexpr u32 quarantined_ranges = 1024;

constinit LateInit<mm::Window> first_window;
constinit LateInit<FramePool> first_pool;

void send_tlb_shootdown(void *, u32 core) { send_ipi(core, tlb_shootdown_vector); }

constexpr mm::AllocationSite site(const char *type) { return {type, __FILE__, "settle_world", __LINE__}; }

rstate::Result<mm::Range> take_over(u64 first, u64 bytes, mm::Owner owner, mm::Permissions allowed,
                                    const char *what) {
    return TRY(world->space.take_over(Virt(first), {align_up(bytes, page_size) / page_size, site(what),
                                                    mm::RangeKind::memory, owner, allowed, nullptr, 0, 0}),
               "taking over a mapping of the boot", Virt(first), bytes, what);
}

// The image is three adjacent segments with different permissions; its one record carries those of the code.
rstate::Result<> take_over_boot_mappings(const boot::CoreArgs &args) {
    TRY(take_over(args.kernel_base, args.kernel_bytes, mm::Owner::boot, mm::read_execute, "kernel image"),
        "taking over the kernel image");
    TRY(take_over(args.bundle, args.bundle_bytes, mm::Owner::none, mm::read_only, "bundle"),
        "taking over the bundle");
    for (u32 core = 0; core < args.core_count; ++core) {
        const auto &its = *pointer_to<const boot::CoreArgs>(Virt(args.args_of[core]));
        TRY(take_over(its.stack_bottom, its.stack_top - its.stack_bottom, mm::Owner::boot, mm::read_write,
                      "core's stack"),
            "taking over a stack", core);
        TRY(take_over(args.args_of[core], page_size, mm::Owner::boot, mm::read_only, "core's arguments"),
            "taking over a core's arguments", core);
        TRY(take_over(its.seed.window_base.value(), mm::window_bytes, mm::Owner::none, mm::read_write,
                      "core's window"),
            "taking over a window", core); // the frames in its slots have owners of their own
        TRY(take_over(its.seed.window_table.value(), page_size, mm::Owner::boot, mm::read_write,
                      "window's table"),
            "taking over a window's table", core);
    }
    return rstate::done();
}

// Unmaps and frees what stage2 built for a core that the firmware lists and that did not start. To free the
// window frees the window's table, too.
rstate::Result<> release_absent_core(const boot::CoreArgs &its, Virt args_page) {
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
        const mm::Range range = TRY(take_over(b.first, b.bytes, b.owner, mm::read_write, "absent core's"),
                                    "taking over a mapping of an absent core", its.core);
        TRY(world->space.unmap_and_free(range, nullptr), "freeing a mapping of an absent core", its.core);
    }
    return rstate::done();
}

// Joins adjacent ranges of memory and adds them to core 0's frame pool.
class RangeCoalescer {
  public:
    void add(const mm::PhysRange &range) {
        if (joined_.bytes != 0 && joined_.end() == range.first && joined_.node == range.node)
            joined_.bytes += range.bytes;
        else
            flush(), joined_ = range;
    }
    void flush() {
        if (joined_.bytes == 0) return;
        auto added = first_pool->add(joined_);
        if (!added.ok())
            rstate::report(added.take_error(), "adding an absent core's memory to core 0's: it stays unused");
        joined_.bytes = 0;
    }

  private:
    mm::PhysRange joined_;
};

// Stage2 shares the memory among the listed cores before it starts them, so core 0 takes over the shares of
// those that did not start.
rstate::Result<> take_over_absent_cores(const boot::CoreArgs &args) {
    RangeCoalescer coalescer;
    for (u32 core = args.core_count; core < max_cores && args.args_of[core] != 0; ++core) {
        const auto &its = *pointer_to<const boot::CoreArgs>(Virt(args.args_of[core]));
        for (u32 i = 0; i < its.seed.range_count; ++i) coalescer.add(its.seed.ranges[i]);
    }
    coalescer.flush();
    for (u32 core = args.core_count; core < max_cores && args.args_of[core] != 0; ++core)
        TRY(release_absent_core(*pointer_to<const boot::CoreArgs>(Virt(args.args_of[core])),
                                Virt(args.args_of[core])),
            "releasing an absent core", core);
    return rstate::done();
}

// The page through which the cores entered the kernel. Its frame is the boot's memory (boot_memory.h).
rstate::Result<> unmap_handover(const boot::CoreArgs &args) {
    world->space.release_unused(
        TRY(take_over(args.handover_page, page_size, mm::Owner::none, mm::read_execute, "handover page"),
            "taking over the handover page"));
    return rstate::done();
}

// Maps the screen that shows the log besides the serial line: the firmware's framebuffer if it has one,
// since the VGA registers are then meaningless; otherwise the VGA text screen if there is one.
rstate::Result<> map_screens(AddressSpace &space, const boot::Framebuffer &f) {
    if (f.base != 0 && is_aligned(f.base, page_size)) {
        const u64 bytes = u64{dev::Framebuffer::lines(f.height)} * f.stride * sizeof(u32);
        const mm::Range pixels =
            TRY(space.map_device(Phys(f.base), align_up(bytes, page_size) / page_size, site("framebuffer"),
                                 mm::read_write, mm::Cache::write_combining),
                "mapping the framebuffer", Phys(f.base), bytes);
        attach_framebuffer(pointer_to<volatile u32>(pixels.first), f.width, f.height, f.stride, f.row);
    } else if (dev::Screen::shows_text()) {
        const mm::Range cells =
            TRY(space.map_device(Phys(dev::Screen::physical), 1, site("screen")), "mapping the screen");
        attach_screen(pointer_to<volatile u16>(cells.first));
    }
    return rstate::done();
}

rstate::Result<> map_io_apics(AddressSpace &space, const boot::CoreArgs &args) {
    for (u32 i = 0; i < args.io_apic_count; ++i) {
        const Phys at(args.io_apics[i]);
        const mm::Range page =
            TRY(space.map_device(at.page(), 1, site("I/O APIC")), "mapping an I/O APIC", at);
        attach_io_apic(pointer_to<volatile u32>(page.first + at.offset()));
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
    TRY(map_io_apics(made.space, args), "mapping the I/O APICs");
    return map_screens(made.space, args.framebuffer);
}

rstate::Result<> settle_world(const boot::CoreArgs &args) {
    TRY(unmap_handover(args), "unmapping the handover page");
    TRY(take_over_boot_mappings(args), "taking over the boot's mappings");
    TRY(take_over_absent_cores(args), "taking over the memory of cores that did not start");
    TRY(take_boot_memory(args, *first_pool), "taking over the boot's memory");
    return rstate::done();
}

} // namespace kernel
