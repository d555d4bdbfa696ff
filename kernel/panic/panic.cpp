// kernel/panic/panic.cpp — the panic; see panic.h.
#include "kernel/panic/panic.h"

#include "base/atomic.h"
#include "base/log.h"
#include "boot/contract/exit.h"
#include "cpu/ops.h"
#include "kernel/console.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/machine_check.h"
#include "kernel/panic/dump.h"
#include "kernel/panic/tracing.h"

extern "C" void capture_registers(kernel::TrapFrame *frame);

namespace kernel {

namespace {

constexpr u32 no_core = ~0u;
constexpr u32 most_callers = 24, most_callers_of_others = 8;
constexpr u32 records_of_each_trace = 12; // those of the last few cases
constinit Atomic<u32> panicking_core(no_core);
constinit Atomic<u32> turn(no_core); // the other core that may print now
constinit u8 depth[max_cores];

[[noreturn]] void stop() {
    cpu::disable_interrupts();
    Core *core = core_table[current_core()];
    if (core != nullptr) core->stopped.store(true, Order::release);
    for (;;) cpu::halt();
}

// Two cores may fail at once: the second prints its failure when the first asks it what it was doing.
void wait_for_turn(u32 me) {
    Core *core = core_table[me];
    if (core == nullptr) stop();
    core->failed_too.store(true, Order::release);
    while (turn.load(Order::acquire) != me) cpu::pause();
    core->answers.store(true, Order::release);
}

// A failure during the panic is printed as well; a failure during that ends the machine at once.
void begin() {
    cpu::disable_interrupts();
    rstate::open_reserve();
    u32 first = no_core;
    const u32 me = current_core();
    const bool mine =
        panicking_core.compare_exchange(first, me, Order::acq_rel, Order::acquire) || first == me;
    if (!mine && depth[me] == 0) wait_for_turn(me);
    seize_console();
    if (!mine) log_formatted("panic: core {} failed too", me);
    if (++depth[me] == 2) log_line("panic: another failure while this one was being reported");
    if (depth[me] > 2) end_machine(boot::exit_system_failed);
}

// Waits for the flag; false when another core has not set it within so many pauses.
bool wait_for(const Atomic<bool> &flag, u32 pauses) {
    for (; pauses != 0 && !flag.load(Order::acquire); --pauses) cpu::pause();
    return pauses != 0;
}

// Asks each other core by NMI to print what it was doing and to stop, one after the other, so that their
// lines do not mix. A core may be unable to answer; one that answers may have to wait for the serial line.
void stop_other_cores() {
    constexpr u32 to_answer = 1'500'000, to_print = 100'000'000;
    for (u32 number = 0; number < max_cores; ++number) {
        Core *other = core_table[number];
        if (other == nullptr || number == current_core()) continue;
        if (!other->running.load(Order::acquire) && !other->failed_too.load(Order::acquire)) continue;
        turn.store(number, Order::release);
        send_nmi(number);
        if (wait_for(other->answers, to_answer) && wait_for(other->stopped, to_print)) continue;
        log_formatted("core {} does not answer", number);
        dump_locks(number);
        if (other->last_tick_rip != 0) dump_address("  its last tick came at", other->last_tick_rip);
    }
}

[[noreturn]] void finish() {
    dump_machine_checks();
    dump_locks(current_core());
    if (panicking_core.load(Order::acquire) != current_core()) stop();
    stop_other_cores();
    dump_traces(records_of_each_trace);
    log_line("panic: stopped");
    end_machine(boot::exit_system_failed);
}

[[noreturn]] void finish_here() {
    TrapFrame frame;
    capture_registers(&frame);
    dump_registers(frame);
    dump_callers(frame.rbp, most_callers);
    finish();
}

void print_check(const CheckSite &site, const u64 *values, u32 count) {
    log_formatted("error kernel.check_failed on core {}", current_core());
    TextBuffer<300> line;
    line.add("  {}:{}  {}  {} must hold: {}", site.file, site.line, site.function, site.condition,
             site.reason);
    for (u32 i = 0; i < count; ++i) {
        line.add(i == 0 ? "  " : ", ");
        if ((site.texts >> i & 1) != 0)
            line.add("{}", reinterpret_cast<const char *>(values[i]));
        else
            line.add("{x}", values[i]);
    }
    log_line(line.end_with("   <- origin").text());
}

} // namespace

bool panicking() { return panicking_core.load(Order::acquire) != no_core; }

void end_machine(u32 value) {
    cpu::out32(boot::debug_exit_port, value);
    stop();
}

void panic(rstate::Error error) {
    begin();
    rstate::report(std::move(error), "the kernel cannot go on");
    finish_here();
}

void panic_trap(const TrapFrame &frame, rstate::Error error) {
    begin();
    rstate::report(std::move(error), "exception in the kernel");
    dump_address("  at", frame.rip);
    dump_registers(frame);
    dump_callers(frame.rbp, most_callers);
    finish();
}

void stop_for_panic(const TrapFrame &frame) {
    const u32 me = current_core();
    if (core_table[me]->failed_too.load(Order::acquire)) return; // it prints its own failure
    core_table[me]->answers.store(true, Order::release);
    TextBuffer<40> where;
    dump_address(where.add("core {} was at", me).text(), frame.rip);
    dump_locks(me);
    dump_callers(frame.rbp, most_callers_of_others);
    stop();
}

} // namespace kernel

void check_failed(const CheckSite &site, const u64 *values, u32 count) {
    kernel::begin();
    kernel::print_check(site, values, count);
    kernel::finish_here();
}
