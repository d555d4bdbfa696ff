// stage2/cores.cpp — see cores.h.
#include "stage2/cores.h"

#include "cpu/ops.h"

extern "C" {
extern const u8 trampoline_start[], trampoline_arrive[], trampoline_fault[], trampoline_mailbox[],
    trampoline_end[];
void fill_exception_table(u64 table, u64 first, u64 step);
}

namespace stage2 {

namespace {

constexpr u64 exception_table = 0x600; // as TABLE in trampoline.asm

struct Mailbox {
    Arrival arrival;
    u32 taken;
    u32 boot_tables; // below 4 GiB: a core loads CR3 before it is in long mode
};

constinit u64 handover_page = 0; // physical; the boot's tables map it to itself

volatile u8 *page() { return reinterpret_cast<volatile u8 *>(handover_page); }

volatile Mailbox &mailbox() {
    return *reinterpret_cast<volatile Mailbox *>(handover_page +
                                                 static_cast<u64>(trampoline_mailbox - trampoline_start));
}

void fill(const Arrival &arrival) {
    mailbox().arrival.root = arrival.root;
    mailbox().arrival.stack = arrival.stack;
    mailbox().arrival.args = arrival.args;
    mailbox().arrival.entry = arrival.entry;
    mailbox().taken = 0;
}

bool wait_taken(const Clock &clock, u32 milliseconds) {
    for (u32 i = 0; i < milliseconds; ++i) {
        for (u32 spin = 0; spin < 1000; ++spin) {
            if (mailbox().taken != 0) return true;
            cpu::pause();
        }
        clock.wait(1);
    }
    return mailbox().taken != 0;
}

} // namespace

void install_trampoline(u64 at) {
    handover_page = at;
    const u64 bytes = static_cast<u64>(trampoline_end - trampoline_start);
    for (u64 i = 0; i < bytes; ++i) page()[i] = trampoline_start[i];
    fill_exception_table(handover_page + exception_table,
                         handover_page + static_cast<u64>(trampoline_fault - trampoline_start), 0);
    mailbox().boot_tables = static_cast<u32>(cpu::read_cr3());
}

void reset_core(dev::LocalApic &apic, u32 apic_id) { apic.send_init(apic_id); }

bool start_core(dev::LocalApic &apic, u32 apic_id, const Arrival &arrival, const Clock &clock) {
    fill(arrival);
    const u8 vector = static_cast<u8>(handover_page / page_size);
    apic.send_startup(apic_id, vector);
    if (wait_taken(clock, 2)) return true;
    apic.send_startup(apic_id, vector); // MultiProcessor Specification §B.4: some processors need two
    if (wait_taken(clock, 200)) return true;
    reset_core(apic, apic_id); // INIT again: if it starts late, it would take the next core's arrival
    return false;
}

void enter(const Arrival &arrival) {
    fill(arrival);
    using Arrive = void (*)();
    const u64 target = handover_page + static_cast<u64>(trampoline_arrive - trampoline_start);
    reinterpret_cast<Arrive>(target)();
    __builtin_unreachable();
}

} // namespace stage2
