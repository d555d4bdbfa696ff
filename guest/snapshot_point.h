// guest/snapshot_point.h — what is known of a target at its door, where the snapshot is taken: shared by all
// cores.
#pragma once

#include "guest/layout.h"
#include "guest/syscalls.h"

namespace guest {

// What changes as a target runs and is not in its machine; set back together with it.
struct Personality {
    LinuxState linux;
    u64 time_stamp = 0; // what RDTSC shows
};

// The control block as the target gave it, checked: everything it names lies in the target's memory. What the
// host touches in every case lies contiguously in the machine's memory, so it is reached without the guest's
// tables.
struct Door {
    rl_control control = {};
    Personality personality;
    GuestPhys input, counters, budget, comparisons, comparison_count;

    u32 counter_count() const { return static_cast<u32>(control.counter_count); }
};

// `control_address` is the door's argument.
rstate::Result<Door> read_door(const Memory &memory, const Plan &plan, u64 control_address);

} // namespace guest
