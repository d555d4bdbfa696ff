// kernel/entry/machine_check.cpp — see machine_check.h.
#include "kernel/entry/machine_check.h"

#include "base/log.h"
#include "cpu/machine_check.h"
#include "cpu/ops.h"
#include "kernel/codes.h"
#include "kernel/panic/panic.h"

namespace kernel {

namespace {

constexpr u64 most_lines = 8; // of one core: memory that fails has an error each tick
constinit Atomic<u64> counts[max_cores];
constinit cpu::Features features; // of core 0; the banks of all cores are alike

void print(const cpu::BankError &error, const char *end = "") {
    log_formatted("hardware: {} error on core {}: bank {}, status {x}, address {x}{}",
                  error.uncorrected() ? "uncorrected" : "corrected", current_core(), error.bank, error.status,
                  error.address, end);
}

void count(const cpu::BankError &error, const char *when) {
    counts[current_core()].bump();
    const u64 number = counts[current_core()].load();
    if (number <= most_lines) print(error, number == most_lines ? "; further ones are only counted" : when);
}

rstate::Error describe(const cpu::BankError &error) {
    rstate::open_reserve(); // this error ends the kernel
    return FAIL(machine_check,
                "the hardware could not correct an error of its own: memory or processor is damaged",
                error.bank, error.status, Phys(error.address));
}

// Calls use(error) for each bank that has one.
template <class Use> void take_all(Use &&use) {
    cpu::BankError error;
    for (u32 bank = 0; bank < cpu::machine_check_banks(features); ++bank)
        if (cpu::take_bank(features, bank, error)) use(error);
}

} // namespace

// What an earlier boot left is often why it ended.
void start_machine_checks() {
    if (current_core() == 0) features = cpu::Features::read();
    take_all([](const cpu::BankError &error) { count(error, ", from before this boot"); });
    cpu::enable_machine_checks(features);
}

rstate::Error describe_machine_check(const TrapFrame &frame) {
    cpu::BankError worst;
    take_all([&](const cpu::BankError &error) {
        if (!cpu::BankStatus::Valid::test(worst.status) || error.uncorrected()) worst = error;
    });
    cpu::end_machine_check(); // a second one during the report would reset the machine
    return WRAP(describe(worst), "a machine check", Virt(frame.rip));
}

// An uncorrected error is found here if its exception went to a guest, or if the processor raises none for
// it.
void poll_machine_checks(const TrapFrame &frame) {
    take_all([&](const cpu::BankError &error) {
        if (error.uncorrected())
            panic_trap(frame, WRAP(describe(error), "looking for hardware errors", current_core()));
        count(error, "");
    });
}

void dump_machine_checks() {
    take_all([](const cpu::BankError &error) { print(error); });
}

u64 hardware_errors() {
    u64 all = 0;
    for (const Atomic<u64> &count : counts) all += count.load();
    return all;
}

} // namespace kernel
