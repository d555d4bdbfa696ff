// kernel/campaign/pause.cpp — the stop-the-world pause; see pause.h.
#include "kernel/campaign/pause.h"

#include "cpu/ticks.h"
#include "kernel/campaign/target.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"
#include "kernel/panic/watchdog.h"

namespace kernel {

void Pause::wake_all() const {
    for (u32 core = 1; core < shared_.cores(); ++core) send_ipi(core, wake_vector);
}

bool Pause::pause_all() {
    requested_.store(1, Order::release);
    // A case may last this many ticks of its own core. Core 0's timer, of the same period, counts them.
    const auto ticks = [] { return cpu::ticks_of(0); };
    const u64 first = ticks(), most = deadlines.case_ticks + 2;
    while (stopped_.load(Order::acquire) != shared_.cores() - 1) {
        if (shared_.stopping() || ticks() - first > most) return false;
        cpu::while_waiting();
        cpu::pause();
    }
    return true;
}

void Pause::resume_all() {
    requested_.store(0, Order::release);
    wake_all();
}

// The core turns interrupts off before it reads the request and on again in the instruction that halts, so
// that a wake-up IPI between the two is not lost. No IPI announces the end of the run: the core's own timer
// tick ends the halt then.
void Pause::check_in() {
    if (!active()) return;
    stopped_.fetch_add(1, Order::release);
    while (active() && !shared_.stopping()) {
        show_progress();
        cpu::disable_interrupts();
        if (active() && !shared_.stopping())
            cpu::enable_interrupts_and_halt();
        else
            cpu::enable_interrupts();
    }
    stopped_.fetch_sub(1, Order::release);
}

} // namespace kernel
