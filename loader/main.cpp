// loader/main.cpp — makes the hand-off from what another boot loader says, checks stage2, and starts it.
#include "base/hash.h"
#include "base/log.h"
#include "boot/contract/handoff.h"
#include "boot/contract/package.h"
#include "boot/formats/codes.h"
#include "boot/formats/start_info.h"
#include "cpu/ops.h"
#include "dev/framebuffer.h"
#include "stage2/console.h"
#include "stage2/exceptions.h"

namespace loader {

namespace {

constexpr u64 reachable = 4_GiB;   // what entry.asm's page tables map to itself
constexpr u64 stage2_build_id = 8; // offset in stage2's image: stage2/entry.asm

constinit boot::StartInfo info{};
constinit boot::Handoff handoff{};
constinit dev::Framebuffer screen;

u32 draw(const char *text, u64 bytes) {
    screen.write({text, bytes});
    return screen.row();
}

// A framebuffer above 4 GiB is not mapped yet: then only the kernel draws.
void attach_screen(const boot::Framebuffer &f) {
    const u64 bytes = u64{dev::Framebuffer::lines(f.height)} * f.stride * sizeof(u32);
    if (f.base != 0 && bytes <= reachable && f.base <= reachable - bytes)
        screen.attach(reinterpret_cast<volatile u32 *>(f.base), f.width, f.height, f.stride, f.row,
                      dev::dev_font);
}

Bytes physical(u64 address, u64 bytes) { return {reinterpret_cast<const u8 *>(address), bytes}; }

rstate::Result<> read_info(boot::Way way, u64 address) {
    const boot::PhysicalView view{[](void *, u64 at, u64 bytes) {
                                      return at == 0 || bytes > reachable || at > reachable - bytes
                                                 ? Bytes()
                                                 : physical(at, bytes);
                                  },
                                  nullptr};
    switch (way) {
    case boot::Way::linux_kernel:
        return boot::read_linux(address, view, info);
    case boot::Way::multiboot2:
        return boot::read_multiboot2(address, view, info);
    case boot::Way::pvh:
        return boot::read_pvh(address, view, info);
    case boot::Way::uefi:
        return boot::read_uefi(address, view, info);
    }
    return FAIL(boot::bad_handoff, "unknown boot protocol", static_cast<u32>(way));
}

Text name_of(boot::Way way) {
    switch (way) {
    case boot::Way::linux_kernel:
        return "as a Linux kernel";
    case boot::Way::multiboot2:
        return "by Multiboot2";
    case boot::Way::pvh:
        return "by PVH";
    case boot::Way::uefi:
        return "by UEFI";
    }
    return "by an unknown protocol";
}

rstate::Result<> check_stage2(const boot::Package &package, u64 base) {
    if (package.magic != boot::Package::expected_magic)
        return FAIL(boot::bad_handoff, "the package's magic is wrong: the image tool did not fill it in",
                    package.magic);
    const Bytes stage2 = physical(base + package.stage2, package.stage2_bytes);
    const u64 found = xxh64(stage2);
    if (found != package.stage2_xxh64)
        return FAIL(boot::damaged, "the image's XXH64 differs", found, package.stage2_xxh64, stage2.size());
    u64 id = 0;
    __builtin_memcpy(&id, stage2.data() + stage2_build_id, sizeof id);
    if (id != package.build_id)
        return FAIL(boot::bad_handoff, "stage2 is of another build", id, package.build_id);
    return {};
}

void fill_handoff(const boot::Package &package, u64 base, u64 tsc_at_entry) {
    handoff.magic = boot::Handoff::expected_magic;
    handoff.version = boot::Handoff::expected_version;
    handoff.size = sizeof handoff;
    handoff.build_id = package.build_id;
    handoff.map = reinterpret_cast<u64>(info.map);
    handoff.map_count = info.count;
    handoff.kernel = base + package.kernel;
    handoff.kernel_bytes = package.kernel_bytes;
    handoff.kernel_xxh64 = package.kernel_xxh64;
    handoff.bundle = base + package.bundle;
    handoff.bundle_bytes = package.bundle_bytes;
    handoff.bundle_xxh64 = package.bundle_xxh64;
    handoff.stage2 = base + package.stage2;
    handoff.entropy[0] = tsc_at_entry;
    handoff.entropy[1] = cpu::read_tsc();
    handoff.rsdp = info.rsdp;
    handoff.area = base;
    handoff.area_bytes = package.memory;
    handoff.framebuffer = info.framebuffer;
    handoff.console = reinterpret_cast<u64>(draw);
}

rstate::Result<> start(boot::Way way, u64 address, const boot::Package &package, u64 tsc_at_entry) {
    const u64 base = reinterpret_cast<u64>(&package);
    TRY(read_info(way, address), "reading the boot loader's information", Phys(address),
        static_cast<u32>(way));
    attach_screen(info.framebuffer);
    log_formatted("3 loader: started {}, build {h}", name_of(way), package.build_id);
    TRY(check_stage2(package, base), "checking stage2");
    fill_handoff(package, base, tsc_at_entry);
    using Stage2 = void (*)(const boot::Handoff *);
    reinterpret_cast<Stage2>(handoff.stage2)(&handoff);
    __builtin_unreachable();
}

} // namespace

} // namespace loader

extern "C" void loader_main(boot::Way way, u64 info, const boot::Package &package) {
    const u64 tsc_at_entry = cpu::read_tsc();
    stage2::init_console(loader::draw);
    stage2::catch_exceptions("loader", reinterpret_cast<u64>(&package));
    auto result = loader::start(way, info, package, tsc_at_entry);
    stage2::stop(result.take_error(), "loader");
}
