// guest/snapshot_point.cpp — see snapshot_point.h. The target is not trusted: it may be broken, or built
// without the runtime.
#include "guest/snapshot_point.h"

#include "guest/codes.h"

namespace guest {

namespace {

constexpr u64 most_counters = 1ul << 24, most_comparisons = 1ul << 24;

// The place of [address, address + count * each) in the machine's memory; fails unless the target can write
// it.
rstate::Result<GuestPhys> place(const GuestLayout &layout, const char *field, u64 address, u64 count,
                                u64 each) {
    u64 size = 0;
    if (!mul_checked(count, each, size) || !layout.writable(address, size))
        return FAIL(bad_control, "the control block names memory that the target cannot write", field,
                    address, count);
    const Region *region = layout.find(address, size);
    return region->physical + (address - region->address);
}

rstate::Result<void> check_header(const rl_control &control) {
    if (control.magic != RL_CONTROL_MAGIC)
        return FAIL(bad_control, "the control block's magic is wrong: was it built with the target runtime?",
                    control.magic);
    if (control.version != RL_ABI_VERSION || control.size != sizeof(rl_control))
        return FAIL(bad_control, "the target was built with a runtime of another version", control.version,
                    control.size);
    if (control.counter_count > most_counters || control.comparison_capacity > most_comparisons)
        return FAIL(bad_control, "the target's number of edge counters or comparisons is too large",
                    control.counter_count, control.comparison_capacity);
    if (!is_aligned(control.budget, sizeof(u64)))
        return FAIL(bad_control, "the edge budget is not aligned", control.budget);
    return rstate::done();
}

} // namespace

rstate::Result<SnapshotPoint> read_snapshot_point(const Memory &memory, const GuestLayout &layout,
                                                  u64 control_address) {
    if (!layout.readable(control_address, sizeof(rl_control)))
        return FAIL(bad_control, "the control block lies outside the target's memory", control_address);
    SnapshotPoint point;
    TRY(memory.load(GuestVirt(control_address), point.control), "reading the control block", control_address);
    const rl_control &c = point.control;
    TRY(check_header(c), "checking the control block");
    point.input = TRY(place(layout, "input", c.input, c.input_capacity, 1), "checking the input's place");
    point.counters =
        TRY(place(layout, "counters", c.counters, c.counter_count, 1), "checking the edge counters");
    point.budget = TRY(place(layout, "budget", c.budget, 2, sizeof(u64)), "checking the edge budget");
    point.comparisons =
        TRY(place(layout, "comparisons", c.comparisons, c.comparison_capacity, sizeof(rl_comparison)),
            "checking the comparisons");
    point.comparison_count = TRY(place(layout, "comparison_count", c.comparison_count, 1, sizeof(u64)),
                                 "checking the comparisons' number");
    point.schedule =
        TRY(place(layout, "schedule", c.schedule, 1, sizeof(u64)), "checking the threads' schedule");
    if (c.output != 0)
        point.output = TRY(place(layout, "output", c.output, 1, sizeof(rl_output)), "checking the output");
    TRY(place(layout, "report", c.report, 1, sizeof(rl_report)), "checking the report");
    TRY(place(layout, "describe_stack", c.describe_stack - page_size, page_size, 1),
        "checking the stack of describe");
    if (c.describe == 0 || !layout.readable(c.describe, 1))
        return FAIL(bad_control, "the control block's describe is no function", c.describe);
    return point;
}

} // namespace guest
