// kernel/campaign/platform.h — what a fuzzing worker uses of the kernel: clocks, memory figures, and the
// console.
#pragma once

#include "fuzz/worker.h"
#include "kernel/campaign/reporter.h"
#include "kernel/entry/machine_check.h"
#include "kernel/entry/stray.h"
#include "kernel/panic/watchdog.h"

namespace kernel {

class KernelPlatform final {
  public:
    // `schedule` is the seed of the order of the target's threads.
    KernelPlatform(Reporter &reporter, u64 ticks_per_second, u64 schedule)
        : reporter_(reporter), ticks_per_us_(max(1ul, ticks_per_second / 1'000'000)), schedule_(schedule) {}

    u64 now_us() const { return cpu::read_tsc() / ticks_per_us_; }
    static u64 time() { return cpu::read_tsc(); }
    // Core 0 alone talks to the console; the other cores stop here while it holds a pause.
    void between_cases() {
        show_progress();
        if (current_core() == 0)
            reporter_.serve();
        else
            reporter_.pause().check_in();
    }
    fuzz::MachineFigures figures() const {
        return {world->frames.free_frames(), world->heap.live_bytes(), schedule_, hardware_errors(),
                stray_interrupts()};
    }
    void send_records() { reporter_.drain(); }

  private:
    Reporter &reporter_;
    u64 ticks_per_us_, schedule_;
};

} // namespace kernel
