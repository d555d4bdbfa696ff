// kernel/main.cpp — the composition root: what core 0 does, in order, one line and one reason each.
#include "base/log.h"
#include "boot/contract/exit.h"
#include "kernel/campaign/campaign.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/introspect/address_space_report.h"
#include "kernel/mode.h"
#include "kernel/panic/dump.h"
#include "kernel/panic/panic.h"
#include "kernel/smp/cores.h"
#include "kernel/world.h"
#include "svm/enable.h"

// A core that waits for another may be the one that the other waits for.
void cpu::while_waiting() {
    if (kernel::world.made()) kernel::world->tlb_shootdown.serve();
}

namespace kernel {

namespace {

rstate::Result<> check(const boot::CoreArgs &args) {
    if (args.magic != boot::CoreArgs::expected_magic)
        return FAIL(bad_arguments, "stage2 speaks another language", args.magic);
    return rstate::done();
}

void announce(const boot::CoreArgs &args, const boot::Options &options) {
    TextBuffer<400> line;
    line.add("{\"type\":\"boot\",\"build\":\"{h}\",\"cores\":{},\"memory_mib\":{},", args.build_id,
             args.core_count, args.memory_pages * page_size / 1_MiB);
    line.add("\"frames_used\":{},\"frames_free\":{},\"target\":\"{}\",\"slide\":\"{x}\",\"boot_us\":{}}",
             world->frames.used(), world->frames.free_frames(), options.target, args.kernel_base,
             args.tsc_hz == 0 ? 0
                              : (cpu::read_tsc() - args.tsc_at_stage2) / max(1ul, args.tsc_hz / 1'000'000));
    log_line(line.text());
}

// What the options ask for; returns what an emulator exits with.
rstate::Result<u32> serve(const boot::CoreArgs &args, const boot::Bundle &bundle,
                          const boot::Options &options) {
    if (!options.mode.empty())
        return TRY(run_mode(options.mode, {args, bundle}, options.mode_argument), "running another mode");
    TRY(svm::check_support(cpu::Features::read()), "looking for a VM backend: AMD's SVM is the only one");
    if (options.replay) return TRY(replay(bundle, options, args.tsc_hz), "replaying an input");
    TRY(run_campaign(bundle, options, args.core_count, args.tsc_hz), "running a campaign");
    return boot::exit_ok;
}

rstate::Result<u32> run(const boot::CoreArgs &args) {
    TRY(check(args), "checking what stage2 hands on");
    first_core.apic_id = args.apic_id;
    protect_core();                                      // before anything of ours could rely on its absence
    TRY(make_world(args), "starting memory management"); // window, frames, address space, heap
    TRY(guard_first_core(), "guarding core 0's interrupt stacks");
    enable_apic(); // the others are told of freed pages through it
    first_core.running.store(true);
    cpu::enable_interrupts();
    TRY(start_other_cores(args), "starting the other cores");      // they wait in entry.asm until now
    TRY(settle_world(args), "settling what the boot left behind"); // nothing of the boot stays mapped

    const boot::Bundle bundle =
        TRY(boot::Bundle::parse({reinterpret_cast<const u8 *>(args.bundle), args.bundle_bytes}),
            "reading the bundle");
    const Bytes text = TRY(bundle.find("options"), "finding the options in the bundle");
    const boot::Options options =
        TRY(boot::Options::parse({reinterpret_cast<const char *>(text.data()), text.size()}),
            "reading the options");
    announce(args, options);
    TRY(tell_exposure(), "telling what is mapped");
    return TRY(serve(args, bundle, options), "doing what the options ask");
}

} // namespace

} // namespace kernel

extern "C" [[noreturn]] void kernel_main(const boot::CoreArgs &args) {
    using namespace kernel;
    set_kernel_image(args.kernel_base, args.text_bytes);
    start_first_core(args); // from here on a fault says what it is
    init_console();
    log_formatted("6 kernel at {x}, build {h}", args.kernel_base, args.build_id);
    auto status = run(args);
    if (!status.ok()) panic(status.take_error());
    LOG(kernel, "done");
    end_machine(status.take());
}
