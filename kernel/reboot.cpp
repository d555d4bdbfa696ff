// kernel/reboot.cpp — the reboot without firmware; see reboot.h.
#include "kernel/reboot.h"

#include "base/atomic.h"
#include "cpu/ticks.h"
#include "kernel/boot_memory.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"
#include "kernel/panic/watchdog.h"
#include "kernel/smp/core.h"
#include "stage2/kernel_file.h"
#include "svm/enable.h"

extern "C" {
extern const u8 leave_start[], leave_end[];
}

namespace kernel {

namespace {

// The offset of leave.asm's code in the handover page, after the trampoline that stage2 will copy there: the
// code contains the descriptors of the leaving core's segments, so the trampoline must not overwrite it.
constexpr u64 leave_offset = page_size / 2;
// See leave.asm.
using Leave = void (*)(u64 handoff, u64 stage2, u64 boot_tables);

constinit Atomic<u32> stopped_cores;

void quiet_core() {
    stop_ticks();
    if (cpu::Efer::SvmEnable::test(cpu::read_msr(cpu::Msr::efer))) svm::disable();
}

// Stage2 relocated the file in place, by this kernel's base. The next boot's relocation needs the file as it
// was built.
rstate::Result<> restore_kernel_file(const boot::Handoff &handoff, u64 base) {
    const Phys first = Phys(handoff.kernel).page();
    const u64 offset = Phys(handoff.kernel).offset();
    const u64 pages = align_up(offset + handoff.kernel_bytes, page_size) / page_size;
    const mm::Range file =
        TRY(world->space.map_device(first, pages, {"kernel's file", __FILE__, __FUNCTION__, __LINE__},
                                    mm::read_write, mm::Cache::write_back),
            "mapping the kernel's file", first, pages);
    auto kernel = TRY(stage2::KernelFile::parse({pointer_to<u8>(file.first + offset), handoff.kernel_bytes}),
                      "reading the kernel's file");
    TRY(kernel.relocate(0 - base), "undoing the relocation of the kernel's file", base);
    return rstate::done();
}

// The entropy that the next boot's stage2 mixes into its own: words of this boot that never left the kernel.
rstate::Result<> renew_handoff(const BootMemory &memory) {
    boot::Handoff handoff = memory.handoff;
    for (u64 &word : handoff.entropy) word = world->space.random_word();
    TRY(write_physical(memory.handoff_at, {reinterpret_cast<const u8 *>(&handoff), sizeof handoff}),
        "writing the hand-off", memory.handoff_at);
    return rstate::done();
}

// Copies leave.asm's code into the handover page, the only page that this kernel's tables and the boot's map
// at the same address. All other cores are paused, so no other core changes the tables.
rstate::Result<Leave> prepare_leave(u64 page) {
    const Bytes code(leave_start, static_cast<usize>(leave_end - leave_start));
    CHECK(code.size() <= page_size - leave_offset, "leave.asm's code fits into its half of the handover page",
          code.size());
    TRY(write_physical(Phys(page + leave_offset), code), "writing leave.asm's code to the handover page",
        Phys(page));
    TRY(world->space.table().map(Virt(page), Phys(page), mm::read_execute, world->frames),
        "mapping the handover page", Phys(page));
    return reinterpret_cast<Leave>(page + leave_offset);
}

// Stops every other core by IPI; true once all have stopped. A core has interrupts off for at most one line
// to the console, which takes much less time than the limit.
bool stop_other_cores() {
    u32 others = 0;
    for (u32 core = 0; core < max_cores; ++core) {
        if (core == current_core() || core_table[core] == nullptr || !core_table[core]->running.load())
            continue;
        send_ipi(core, stop_for_reboot_vector);
        ++others;
    }
    const auto ticks = [] { return cpu::ticks_of(0); };
    const u64 first = ticks();
    while (stopped_cores.load(Order::acquire) != others) {
        if (ticks() - first > patience_ticks) return false;
        cpu::while_waiting();
        cpu::pause();
    }
    return true;
}

// An NMI would wake a halted core in memory that belongs to the next kernel by then. After INIT a core waits
// for its start-up IPI alone (APM vol 2 §14.1 "Processor Initialization").
void send_init_to_others() {
    for (u32 core = 0; core < max_cores; ++core)
        if (core != current_core() && core_table[core] != nullptr && core_table[core]->running.load())
            send_init(core);
}

// Interrupts that are pending still reach this kernel's handlers.
void serve_pending_interrupts() {
    constexpr u32 pauses = 100;
    cpu::enable_interrupts();
    for (u32 i = 0; i < pauses; ++i) cpu::pause();
    cpu::disable_interrupts();
}

rstate::Result<> try_reboot() {
    const BootMemory &memory = boot_memory();
    const boot::CoreArgs &args = *first_core.args;
    if (!memory.kept)
        return FAIL(not_kept, "the boot had too little memory to keep what a reboot needs", memory.bytes(),
                    args.memory_pages * page_size, most_to_keep);
    TRY(check_boot_memory(), "checking the memory that was kept for a reboot");
    TRY(restore_kernel_file(memory.handoff, args.kernel_base), "restoring the kernel's file");
    TRY(renew_handoff(memory), "renewing the hand-off");
    const Leave leave = TRY(prepare_leave(args.handover_page), "preparing the handover page");
    if (!stop_other_cores())
        return FAIL(no_answer, "not all other cores stopped for the reboot", stopped_cores.load(),
                    args.core_count - 1);
    quiet_core();
    serve_pending_interrupts();
    send_init_to_others();
    flush_console();
    leave(memory.handoff_at.value(), memory.handoff.stage2, args.boot_tables);
    __builtin_unreachable();
}

} // namespace

rstate::Error reboot() { return try_reboot().take_error(); }

void stop_for_reboot() {
    cpu::disable_interrupts();
    quiet_core();
    stopped_cores.fetch_add(1, Order::release);
    for (;;) cpu::halt();
}

} // namespace kernel
