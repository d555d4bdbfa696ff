// kernel/reboot.cpp — see reboot.h.
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

// In the hand-over page, behind the trampoline that stage2 will copy there: the descriptors that the leaving
// core's segments come from lie here, and must outlast it.
constexpr u64 leave_offset = page_size / 2;
// As leave.asm has it.
using Leave = void (*)(u64 handoff, u64 stage2, u64 boot_tables);

constinit Atomic<u32> retired;

void quiet_core() {
    stop_ticks();
    if (cpu::Efer::SvmEnable::test(cpu::read_msr(cpu::Msr::efer))) svm::disable();
}

// Stage2 added this kernel's base to every pointer of the file where it lies; the next base belongs to the
// file as it was built.
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
    TRY(kernel.relocate(0 - base), "taking this kernel's base out of its file", base);
    return rstate::done();
}

// What stage2 mixes into its own entropy: this boot's secrets, never seen by anybody.
rstate::Result<> renew_handoff(const BootMemory &memory) {
    boot::Handoff handoff = memory.handoff;
    for (u64 &word : handoff.entropy) word = world->space.random_word();
    TRY(write_physical(memory.handoff_at, {reinterpret_cast<const u8 *>(&handoff), sizeof handoff}),
        "writing the hand-off", memory.handoff_at);
    return rstate::done();
}

// The only page that both this kernel's tables and the boot's map at one address. Nobody else changes tables.
rstate::Result<Leave> prepare_way_out(u64 page) {
    const Bytes code(leave_start, static_cast<usize>(leave_end - leave_start));
    CHECK(code.size() <= page_size - leave_offset, "the way out is in one page", code.size());
    TRY(write_physical(Phys(page + leave_offset), code), "writing the way out", Phys(page));
    TRY(world->space.table().map(Virt(page), Phys(page), mm::read_execute, world->frames),
        "mapping the way out", Phys(page));
    return reinterpret_cast<Leave>(page + leave_offset);
}

// True once every core that runs has stopped. The longest that a core has interrupts off is for a line to the
// console, well within the watchdog's patience.
bool retire_others() {
    u32 others = 0;
    for (u32 core = 0; core < max_cores; ++core) {
        if (core == current_core() || core_table[core] == nullptr || !core_table[core]->running.load())
            continue;
        send_interrupt(core, retire_vector);
        ++others;
    }
    const auto ticks = [] { return cpu::ticks_of(0); };
    const u64 first = ticks();
    while (retired.load(Order::acquire) != others) {
        if (ticks() - first > patience_ticks) return false;
        cpu::while_waiting();
        cpu::pause();
    }
    return true;
}

// A halted core would be woken by an NMI, into memory that is another kernel's by then; one that was sent
// INIT waits for nothing but its start (APM vol 2 §14.1 "Processor Initialization").
void send_all_to_start() {
    for (u32 core = 0; core < max_cores; ++core)
        if (core != current_core() && core_table[core] != nullptr && core_table[core]->running.load())
            send_init(core);
}

// Interrupts that came meanwhile are served by whom they were for.
void serve_what_is_pending() {
    constexpr u32 pauses = 100;
    cpu::enable_interrupts();
    for (u32 i = 0; i < pauses; ++i) cpu::pause();
    cpu::disable_interrupts();
}

rstate::Result<> try_reboot() {
    const BootMemory &memory = boot_memory();
    const boot::CoreArgs &args = *first_core.args;
    if (!memory.kept)
        return FAIL(not_kept, "there was too little memory to keep the kernel and what starts it",
                    memory.bytes(), args.memory_pages * page_size, most_to_keep);
    TRY(check_boot_memory(), "checking what starts the kernel");
    TRY(restore_kernel_file(memory.handoff, args.kernel_base), "restoring the kernel's file");
    TRY(renew_handoff(memory), "renewing the hand-off");
    const Leave leave = TRY(prepare_way_out(args.handover_page), "preparing the way out");
    if (!retire_others()) return FAIL(no_answer, "a core does not stop", retired.load(), args.core_count - 1);
    quiet_core();
    serve_what_is_pending();
    send_all_to_start();
    flush_console();
    leave(memory.handoff_at.value(), memory.handoff.stage2, args.boot_tables);
    __builtin_unreachable();
}

} // namespace

rstate::Error reboot() { return try_reboot().take_error(); }

void retire() {
    cpu::disable_interrupts();
    quiet_core();
    retired.fetch_add(1, Order::release);
    for (;;) cpu::halt();
}

} // namespace kernel
