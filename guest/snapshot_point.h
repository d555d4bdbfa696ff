// guest/snapshot_point.h — where the snapshot is taken: the target has started up and calls the hypervisor
// for its first input (vm/snapshot_taker.h takes it). What is known of the target there is shared by all
// cores.
#pragma once

#include "guest/layout.h"
#include "guest/services.h"

namespace guest {

// What session.h emulates for a target outside its machine; reset together with the machine.
struct EmulatedState {
    ServiceState services;
    u64 time_stamp = 0; // the value that RDTSC reads
};

// The target's control block, checked: everything that it names lies in the target's memory. What the host
// reads or writes in every case is contiguous in the machine's memory, so that no page table walk is needed.
struct SnapshotPoint {
    rl_control control = {};
    EmulatedState emulated;
    GuestPhys input, counters, budget, comparisons, comparison_count, schedule;
    GuestPhys output; // 0: the target keeps none

    u32 counter_count() const { return static_cast<u32>(control.counter_count); }
};

// `control_address` is the argument of the snapshot hypercall.
rstate::Result<SnapshotPoint> read_snapshot_point(const Memory &memory, const GuestLayout &layout,
                                                  u64 control_address);

} // namespace guest
