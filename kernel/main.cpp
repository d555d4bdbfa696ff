// kernel/main.cpp — the composition root: core 0's start-up steps, in order.
#include "base/log.h"
#include "base/version.h"
#include "boot/contract/exit.h"
#include "fuzz/json.h"
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

// A core that waits for another core answers TLB shootdowns meanwhile: the other may wait for the answer.
void cpu::while_waiting() {
    if (kernel::world.made()) kernel::world->tlb_shootdown.serve();
}

namespace kernel {

namespace {

rstate::Result<> check_args(const boot::CoreArgs &args) {
    if (args.magic != boot::CoreArgs::expected_magic)
        return FAIL(bad_arguments, "stage2's arguments have the wrong magic", args.magic,
                    boot::CoreArgs::expected_magic);
    return rstate::done();
}

void write_boot_record(const boot::CoreArgs &args, const boot::Options &options) {
    const u64 boot_us =
        args.tsc_hz == 0 ? 0 : (cpu::read_tsc() - args.tsc_at_stage2) / max(1ul, args.tsc_hz / 1'000'000);
    TextBuffer<Escaped::longest + 8> target; // the bundle may have any name
    target.add("{}", escaped(options.target));
    TextBuffer<800> line;
    fuzz::JsonLine record(line.output(), "boot");
    record.text("version", raclette_version).hash("build", args.build_id).number("cores", args.core_count);
    record.number("memory_mib", args.memory_pages * page_size / 1_MiB);
    record.number("frames_used", world->frames.used()).number("frames_free", world->frames.free_frames());
    record.text("target", target.text()).address("slide", args.kernel_base).number("boot_us", boot_us).end();
    log_line(line.text().sub(0, line.size() - 1)); // log_line ends the line itself
}

// Without such a port the records go where the lines went so far: better there than nowhere.
void choose_serial_port(const boot::Options &options) {
    if (options.serial == 0) return;
    LOG(kernel, "the serial line goes on at port {x}", options.serial);
    if (!move_console(static_cast<u16>(options.serial)))
        LOG(kernel, "no serial port answers at {x}: the serial line stays where it is", options.serial);
}

// Runs the mode that the options select; returns the value that QEMU exits with.
rstate::Result<u32> run_options(const boot::CoreArgs &args, const boot::Bundle &bundle,
                                const boot::Options &options) {
    if (!options.mode.empty())
        return TRY(run_mode(options.mode, {args, bundle}, options.mode_argument),
                   "running the mode that the options select");
    TRY(svm::check_support(cpu::Features::read()), "checking for AMD SVM, the only VM backend");
    if (options.replay) return TRY(replay(bundle, options, args.ticks_per_second()), "replaying an input");
    if (options.examine) return TRY(examine(bundle, options, args.ticks_per_second()), "examining inputs");
    if (options.minimize)
        return TRY(minimize(bundle, options, args.ticks_per_second()), "minimizing an input");
    TRY(run_campaign(bundle, options, args.core_count, args.ticks_per_second()), "running a campaign");
    return boot::exit_ok;
}

rstate::Result<u32> run(const boot::CoreArgs &args) {
    TRY(check_args(args), "checking stage2's arguments");
    first_core.apic_id = args.apic_id;
    settle(first_core); // EFER, PAT, CR4 and others: before the first mapping
    TRY(make_world(args), "starting memory management"); // window, frames, address space, heap
    TRY(guard_first_core(), "guarding core 0's interrupt stacks");
    enable_apic(); // TLB shootdowns need IPIs
    first_core.running.store(true);
    cpu::enable_interrupts();
    TRY(start_other_cores(args), "starting the other cores");  // they wait in entry.asm
    TRY(settle_world(args), "taking over what the boot left"); // no other mapping of the boot stays

    const boot::Bundle bundle =
        TRY(boot::Bundle::parse({reinterpret_cast<const u8 *>(args.bundle), args.bundle_bytes}),
            "reading the bundle");
    const Bytes text = TRY(bundle.find("options"), "finding the options in the bundle");
    const boot::Options options =
        TRY(boot::Options::parse({reinterpret_cast<const char *>(text.data()), text.size()}),
            "reading the options");
    choose_serial_port(options);
    write_boot_record(args, options);
    TRY(report_live_pages(), "reporting the mapped pages");
    return TRY(run_options(args, bundle, options), "running what the options ask for");
}

} // namespace

} // namespace kernel

extern "C" [[noreturn]] void kernel_main(const boot::CoreArgs &args) {
    using namespace kernel;
    set_kernel_image(args.kernel_base, args.text_bytes);
    start_first_core(args); // from here on the kernel reports a fault
    init_console();
    log_formatted("6 kernel at {x}, build {h}, raclette {}", args.kernel_base, args.build_id,
                  raclette_version);
    auto status = run(args);
    if (!status.ok()) panic(status.take_error());
    LOG(kernel, "done");
    end_machine(status.take());
}
