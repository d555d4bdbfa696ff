// kernel/entry/apic.cpp — the local APIC: IPIs and ticks; see apic.h.
#include "kernel/entry/apic.h"

#include "cpu/lock.h"
#include "dev/lapic.h"
#include "kernel/entry/traps.h"
#include "kernel/smp/core.h"

namespace kernel {

namespace {
// One object for all cores: each core reaches its own APIC at the same address.
constinit dev::LocalApic apic;
constinit bool ready = false;
} // namespace

void set_apic(volatile u32 *registers) {
    apic = dev::LocalApic(registers);
    ready = true;
}

void enable_apic() { apic.enable(spurious_vector); }
void end_of_interrupt() { apic.end_of_interrupt(); }
bool in_service(u8 vector) { return apic.in_service(vector); }

void send_ipi(u32 core, u8 vector) {
    cpu::InterruptsOff off;
    apic.send(core_table[core]->apic_id, vector);
}

void send_nmi(u32 core) {
    if (ready) apic.send_nmi(core_table[core]->apic_id);
}

void send_init(u32 core) {
    cpu::InterruptsOff off;
    apic.send_init(core_table[core]->apic_id);
}

void stop_ticks() { apic.stop_timer(); }

void start_ticks(u32 milliseconds, u64 ticks_per_second) {
    const u64 span = ticks_per_second / 1000;
    constexpr u32 tries = 3; // the host may suspend this core meanwhile: the shortest measurement is right
    cpu::InterruptsOff off;
    u32 per_millisecond = ~0u;
    for (u32 i = 0; i < tries; ++i) {
        apic.start_counting();
        const u64 begin = cpu::read_tsc();
        while (cpu::read_tsc() - begin < span) cpu::pause();
        per_millisecond = min(per_millisecond, max(1u, ~0u - apic.remaining()));
    }
    apic.start_timer(timer_vector,
                     static_cast<u32>(min<u64>(static_cast<u64>(per_millisecond) * milliseconds, ~0u)));
}

} // namespace kernel
