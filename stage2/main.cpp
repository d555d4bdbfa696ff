// stage2/main.cpp — the last boot stage as a list of steps: check the images, find memory and cores, divide
// memory, build the kernel's address space at a random base (KASLR), start every core.
#include "base/hash.h"
#include "base/log.h"
#include "boot/contract/handoff.h"
#include "boot/formats/acpi.h"
#include "boot/formats/codes.h"
#include "boot/formats/memory_map.h"
#include "cpu/ops.h"
#include "cpu/settle.h"
#include "dev/uart.h"
#include "stage2/clock.h"
#include "stage2/console.h"
#include "stage2/cores.h"
#include "stage2/devices.h"
#include "stage2/entropy.h"
#include "stage2/exceptions.h"
#include "stage2/memory_split.h"
#include "stage2/world.h"

extern "C" {
extern const u64 stage2_build_id;
}

namespace stage2 {

namespace {

constexpr u64 reachable = 4_GiB; // what the page tables of stage1 and loader map to itself
constexpr u64 low_memory = 1_MiB, conventional_memory = 640_KiB;
constexpr u64 stack_pages = 16;
// Measured: eight cores fuzz stb_image with 2.1 MiB each, and run out of frames with 1.9.
constexpr u64 least_for_a_core = 2_MiB;

constinit boot::MemoryMap map;
constinit boot::Topology topology;
constinit Entropy entropy;
constinit Share shares[max_cores];
constinit u64 args_frames[max_cores];
constinit mm::IdentityMemory identity;
constinit u64 handover_page = 0;

MutableBytes physical(u64 address, u64 bytes) { return {reinterpret_cast<u8 *>(address), bytes}; }

rstate::Result<> check_handoff(const boot::Handoff &handoff) {
    if (handoff.magic != boot::Handoff::expected_magic ||
        handoff.version != boot::Handoff::expected_version || handoff.size != sizeof handoff)
        return FAIL(boot::bad_handoff, "hand-off magic, version or size does not match", handoff.magic,
                    handoff.version, handoff.size);
    if (handoff.build_id != stage2_build_id)
        return FAIL(boot::bad_handoff, "the hand-off is of another build than stage2", handoff.build_id,
                    stage2_build_id);
    return {};
}

rstate::Result<> check_hash(u64 address, u64 bytes, u64 expected) {
    if (bytes > reachable || address > reachable - bytes)
        return FAIL(boot::bad_handoff, "the image ends above 4 GiB, which stage2 cannot reach", Phys(address),
                    bytes);
    const u64 found = xxh64(physical(address, bytes));
    if (found != expected) return FAIL(boot::damaged, "the image's XXH64 differs", found, expected, bytes);
    return {};
}

rstate::Result<> check_images(const boot::Handoff &handoff) {
    TRY(check_hash(handoff.kernel, handoff.kernel_bytes, handoff.kernel_xxh64), "checking the kernel");
    TRY(check_hash(handoff.bundle, handoff.bundle_bytes, handoff.bundle_xxh64), "checking the bundle");
    return {};
}

// All that was loaded must lie in memory that the firmware's map calls usable.
rstate::Result<> read_memory(const boot::Handoff &handoff) {
    const auto *entries = reinterpret_cast<const boot::MapEntry *>(handoff.map);
    TRY(map.build({entries, handoff.map_count}), "sorting the firmware's memory map", handoff.map_count);
    LOG(stage2, "{} MiB usable in {} ranges", map.total_pages() * page_size / 1_MiB, map.ranges().size());
    if (!map.contains(handoff.kernel, handoff.kernel_bytes) ||
        !map.contains(handoff.bundle, handoff.bundle_bytes) ||
        (handoff.area_bytes != 0 && !map.contains(handoff.area, handoff.area_bytes)))
        return FAIL(boot::bad_memory_map, "kernel, bundle or loader lies in unusable memory",
                    Phys(handoff.kernel), Phys(handoff.bundle), Phys(handoff.area));
    const boot::Range used[] = {{handoff.area, handoff.area + handoff.area_bytes},
                                {handoff.kernel, handoff.kernel + handoff.kernel_bytes},
                                {handoff.bundle, handoff.bundle + handoff.bundle_bytes}};
    // Stage1 leaves other parts of the first MiB in use, and no room but this page.
    const u64 highest = handoff.area_bytes != 0 ? conventional_memory : usual_handover_page + page_size;
    handover_page = choose_handover_page(map, used, highest);
    if (handover_page == 0)
        return FAIL(boot::bad_memory_map, "no page at which cores could start is usable memory",
                    Phys(usual_handover_page), Phys(highest));
    return {};
}

// ACPI tables may lie above the 4 GiB that the boot's page tables map. Where the processor has pages of 1
// GiB, maps the first 512 GiB. Returns the end of what is mapped. APM vol 2 §5.3.5 "1-Gbyte Page
// Translation"; CPUID 8000_0001 EDX bit 26.
u64 map_more_memory() {
    if ((cpu::cpuid(0x8000'0001).edx & 1 << 26) == 0) return reachable;
    constexpr u64 frame = ~(page_size - 1), present_writable_large = 0x83;
    const u64 *const top = reinterpret_cast<u64 *>(cpu::read_cr3() & frame);
    u64 *const second = reinterpret_cast<u64 *>(top[0] & frame);
    for (u64 i = reachable / 1_GiB; i < mm::entries_per_table; ++i)
        second[i] = i * 1_GiB | present_writable_large;
    return mm::entries_per_table * 1_GiB;
}

rstate::Result<> find_cores(const boot::Handoff &handoff) {
    cpu::enable_x2apic(); // for the ids of cores from 255 on
    u64 mapped = map_more_memory();
    const boot::PhysicalView view{[](void *end, u64 at, u64 bytes) {
                                      const u64 limit = *static_cast<u64 *>(end);
                                      return bytes > limit || at > limit - bytes ? Bytes()
                                                                                 : Bytes(physical(at, bytes));
                                  },
                                  &mapped};
    // The running core is core 0, wherever the MADT lists it.
    const u32 mine = dev::LocalApic(reinterpret_cast<volatile u32 *>(dev::LocalApic::physical())).id();
    topology.cores[topology.core_count++] = {mine, 0};
    const Bytes root = boot::find_root(handoff.rsdp, view);
    if (root.empty())
        LOG(stage2, "no ACPI tables: only this core is used");
    else
        TRY(boot::read_topology(root, view, topology), "reading the ACPI tables", virt_of(root.data()));
    if (topology.has_madt && !topology.madt_is_cut && !topology.first_is_listed)
        return FAIL(boot::bad_table, "the MADT does not list the running core", mine, topology.core_count);
    mask_interrupts(topology, map, mapped);
    if (topology.out_of_reach) LOG(stage2, "an ACPI table lies where stage2 cannot read it: it is left out");
    LOG(stage2, "{} cores, {} more than this build serves; SRAT {}", topology.core_count,
        topology.cores_left_out, topology.has_srat);
    return {};
}

// The kernel's tables, stacks and image are built at the end of core 0's largest range that stage2 can reach.
// This range is the share's first from then on.
rstate::Result<mm::PhysRange *> choose_build_area() {
    mm::PhysRange *best = nullptr;
    for (u32 i = 0; i < shares[0].count; ++i) {
        mm::PhysRange &range = shares[0].ranges[i];
        if (range.end().value() <= reachable && (best == nullptr || range.bytes > best->bytes)) best = &range;
    }
    if (best == nullptr) return FAIL(boot::too_little_memory, "core 0 has no free memory below 4 GiB");
    std::swap(*best, shares[0].ranges[0]);
    return &shares[0].ranges[0];
}

rstate::Result<> divide_memory(const boot::Handoff &handoff) {
    const struct {
        u64 start, bytes;
    } kept[] = {{0, low_memory},
                {handoff.area, handoff.area_bytes},
                {handoff.kernel, handoff.kernel_bytes},
                {handoff.bundle, handoff.bundle_bytes}};
    for (const auto &one : kept)
        TRY(map.remove(one.start, one.bytes), "taking out memory in use", one.start, one.bytes);
    const u64 free_bytes = map.total_pages() * page_size;
    if (free_bytes < topology.core_count * least_for_a_core)
        return FAIL(boot::too_little_memory, "less than 2 MiB of memory for each core", free_bytes,
                    topology.core_count);
    const u64 left_out = split_memory(map, topology, {shares, topology.core_count});
    if (left_out != 0) LOG(stage2, "{} KiB lie in pieces too small to use", left_out / 1024);
    return {};
}

boot::CoreArgs &args_of(u32 core) { return *reinterpret_cast<boot::CoreArgs *>(args_frames[core]); }

rstate::Result<> prepare_core(World &world, u32 core, const LoadedKernel &kernel) {
    const Mapped page = TRY(world.map_page(mm::read_only), "making the core's arguments");
    args_frames[core] = page.first_frame.value();
    boot::CoreArgs &args = args_of(core);
    args.magic = boot::CoreArgs::expected_magic;
    args.build_id = stage2_build_id;
    args.core = core;
    args.apic_id = topology.cores[core].apic_id;
    args.entropy_sources = entropy.sources;
    args.kernel_base = kernel.base.value();
    args.kernel_bytes = kernel.bytes;
    args.text_bytes = kernel.text_bytes;
    args.stack_bottom = TRY(world.map_fresh(stack_pages, mm::read_write), "making the core's stack").value();
    args.stack_top = args.stack_bottom + stack_pages * page_size;
    args.handover_page = handover_page;
    args.lapic = dev::LocalApic::physical();
    args.io_apic_count = topology.io_apic_count;
    for (u32 i = 0; i < topology.io_apic_count; ++i) args.io_apics[i] = topology.io_apics[i];
    args.args_of[core] = page.address.value(); // complete_args fills in those of the other cores
    args.seed.root = world.root();
    args.seed.core = core;
    args.seed.node = topology.cores[core].node;
    for (u64 &word : args.seed.entropy) word = entropy.random.next();
    TRY(world.make_window(args.seed), "making the core's window");
    return {};
}

// Fills in what is known only when all cores are prepared.
void complete_args(Span<const u64> pages, Virt bundle, u64 bundle_bytes, u64 tsc_at_stage2, u64 tsc_hz) {
    for (u32 core = 0; core < pages.size(); ++core) {
        boot::CoreArgs &args = args_of(core);
        args.bundle = bundle.value();
        args.bundle_bytes = bundle_bytes;
        args.tsc_at_stage2 = tsc_at_stage2;
        args.tsc_hz = tsc_hz;
        for (u32 other = 0; other < pages.size(); ++other) args.args_of[other] = pages[other];
        args.seed.range_count = shares[core].count;
        for (u32 i = 0; i < shares[core].count; ++i) args.seed.ranges[i] = shares[core].ranges[i];
    }
}

Arrival arrival_of(u32 core, const World &world, const LoadedKernel &kernel) {
    const boot::CoreArgs &args = args_of(core);
    return {world.root().value(), args.stack_top, args.args_of[core], kernel.entry.value()};
}

// Starts the other cores one after another; returns how many run. The arguments of a core that does not start
// are used for the next one. INIT, then startup IPIs: APM vol 2 §16.5 "Interprocessor Interrupts (IPI)".
u32 start_cores(const World &world, const LoadedKernel &kernel, const Clock &clock) {
    dev::LocalApic apic(reinterpret_cast<volatile u32 *>(dev::LocalApic::physical()));
    drop_interrupts(apic);
    for (u32 i = 1; i < topology.core_count; ++i)
        if (apic.reaches(topology.cores[i].apic_id)) reset_core(apic, topology.cores[i].apic_id);
    if (topology.core_count > 1) clock.wait(10); // MultiProcessor Specification §B.4: 10 ms after INIT
    u32 running = 1;
    for (u32 i = 1; i < topology.core_count; ++i) {
        const u32 id = topology.cores[i].apic_id;
        args_of(running).apic_id = id;
        if (apic.reaches(id) && start_core(apic, id, arrival_of(running, world, kernel), clock))
            ++running;
        else
            LOG(stage2, "the core with APIC id {} does not start: booting without it", id);
    }
    return running;
}

rstate::Result<> boot_kernel(const boot::Handoff &handoff, u64 tsc_at_stage2) {
    TRY(check_handoff(handoff), "checking the hand-off");
    TRY(check_images(handoff), "checking kernel and bundle");
    TRY(read_memory(handoff), "reading the memory map");
    stop_devices();
    TRY(find_cores(handoff), "finding the cores");
    gather(entropy, handoff);
    const u64 total_pages = map.total_pages();
    TRY(divide_memory(handoff), "dividing memory among the cores");
    mm::PhysRange &build_area = *TRY(choose_build_area(), "choosing the build area");

    World world = TRY(World::make(identity, mm::BootFrames(build_area), entropy.random),
                      "making the kernel's address space");
    const LoadedKernel kernel =
        TRY(world.load_kernel(physical(handoff.kernel, handoff.kernel_bytes)), "loading the kernel");
    if (kernel.build_id != stage2_build_id)
        return FAIL(boot::bad_handoff, "the kernel is of another build than stage2", kernel.build_id,
                    stage2_build_id);
    const Virt bundle = TRY(world.map_existing(Phys(handoff.bundle), handoff.bundle_bytes, mm::read_only),
                            "mapping the bundle");
    TRY(world.map_handover(Phys(handover_page)), "mapping the hand-over page");
    u64 pages[max_cores];
    for (u32 core = 0; core < topology.core_count; ++core) {
        TRY(prepare_core(world, core, kernel), "preparing a core", core);
        pages[core] = args_of(core).args_of[core];
    }
    const Clock clock = Clock::measure();
    complete_args({pages, topology.core_count}, bundle, handoff.bundle_bytes, tsc_at_stage2, clock.tsc_hz());
    boot::CoreArgs &mine = args_of(0);
    mine.memory_pages = total_pages;
    mine.framebuffer = handoff.framebuffer;
    mine.handoff = reinterpret_cast<u64>(&handoff);
    mine.boot_tables = cpu::read_cr3();

    cpu::write_msr(cpu::Msr::efer, cpu::read_msr(cpu::Msr::efer) | cpu::Efer::NoExecuteEnable::mask);
    install_trampoline(handover_page);
    log_formatted("5 stage2: the kernel's world is built, starting {} cores", topology.core_count);
    const u32 running = start_cores(world, kernel, clock);
    mine.framebuffer.row = next_screen_row();
    for (u32 core = 0; core < topology.core_count; ++core) args_of(core).core_count = running;
    enter(arrival_of(0, world, kernel));
}

} // namespace

} // namespace stage2

extern "C" void stage2_main(const boot::Handoff *handoff) {
    const u64 tsc_at_stage2 = cpu::read_tsc();
    stage2::init_console(reinterpret_cast<stage2::Drawing>(handoff->console));
    stage2::catch_exceptions("stage2", handoff->stage2);
    log_formatted("4 stage2: build {h}", stage2_build_id);
    if (stage2::serial_port() != dev::Uart::com1)
        log_formatted("stage2: serial line at port {x}", stage2::serial_port());
    auto result = stage2::boot_kernel(*handoff, tsc_at_stage2);
    stage2::stop(result.take_error(), "stage2");
}
