// kernel/campaign/pause.cpp — see orders.h.
#include "kernel/campaign/pause.h"

#include "cpu/ticks.h"
#include "kernel/campaign/target.h"
#include "kernel/entry/apic.h"
#include "kernel/entry/traps.h"
#include "kernel/panic/watchdog.h"

namespace kernel {

void Orders::wake_all() const {
    for (u32 core = 1; core < shared_.cores(); ++core) send_interrupt(core, wake_vector);
}

bool Orders::rest() {
    rest_.store(1, Order::release);
    // A case may last this many ticks of its own core; core 0's own timer counts them, whatever its speed.
    const auto ticks = [] { return cpu::ticks_of(0); };
    const u64 first = ticks(), most = deadlines.case_ticks + 2;
    while (at_rest_.load(Order::acquire) != shared_.cores() - 1) {
        if (shared_.stopping() || ticks() - first > most) return false;
        cpu::while_waiting();
        cpu::pause();
    }
    return true;
}

void Orders::go_on() {
    rest_.store(0, Order::release);
    wake_all();
}

// Interrupts are off from the look at the order to the halt, so that the wake between them is not lost. A run
// that ends while all rest wakes nobody: each core's own tick does.
void Orders::obey() {
    if (!resting()) return;
    at_rest_.fetch_add(1, Order::release);
    while (resting() && !shared_.stopping()) {
        show_progress();
        cpu::disable_interrupts();
        if (resting() && !shared_.stopping())
            cpu::enable_interrupts_and_halt();
        else
            cpu::enable_interrupts();
    }
    at_rest_.fetch_sub(1, Order::release);
}

} // namespace kernel
