// guest/snapshot_point.cpp — see door.h. The target is as little trusted as an input: it may be broken, or
// not be a target.
#include "guest/snapshot_point.h"

#include "guest/codes.h"

namespace guest {

namespace {

constexpr u64 most_counters = 1ul << 24, most_comparisons = 1ul << 24;

// Where [address, address + count * each) lies in the machine's memory; the target can write there.
rstate::Result<GuestPhys> place(const Plan &plan, const char *field, u64 address, u64 count, u64 each) {
    u64 size = 0;
    if (!mul_checked(count, each, size) || !plan.writable(address, size))
        return FAIL(bad_control, "the control block names memory that the target cannot write", field,
                    address, count);
    const Region *region = plan.find(address, size);
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
        return FAIL(bad_control, "the target has more counters than anything that was ever built",
                    control.counter_count, control.comparison_capacity);
    if (!is_aligned(control.budget, sizeof(u64)))
        return FAIL(bad_control, "the edge budget is not aligned", control.budget);
    return rstate::done();
}

} // namespace

rstate::Result<Door> read_door(const Memory &memory, const Plan &plan, u64 control_address) {
    if (!plan.readable(control_address, sizeof(rl_control)))
        return FAIL(bad_control, "the control block lies outside the target's memory", control_address);
    Door door;
    TRY(memory.load(GuestVirt(control_address), door.control), "reading the control block", control_address);
    const rl_control &c = door.control;
    TRY(check_header(c), "checking the control block");
    door.input = TRY(place(plan, "input", c.input, c.input_capacity, 1), "checking the input's place");
    door.counters =
        TRY(place(plan, "counters", c.counters, c.counter_count, 1), "checking the edge counters");
    door.budget = TRY(place(plan, "budget", c.budget, 1, sizeof(u64)), "checking the edge budget");
    door.comparisons =
        TRY(place(plan, "comparisons", c.comparisons, c.comparison_capacity, sizeof(rl_comparison)),
            "checking the comparisons");
    door.comparison_count = TRY(place(plan, "comparison_count", c.comparison_count, 1, sizeof(u64)),
                                "checking the comparisons' number");
    TRY(place(plan, "report", c.report, 1, sizeof(rl_report)), "checking the report");
    TRY(place(plan, "describe_stack", c.describe_stack - page_size, page_size, 1),
        "checking the stack of describe");
    if (c.describe == 0 || !plan.readable(c.describe, 1))
        return FAIL(bad_control, "the control block's describe is no function", c.describe);
    return door;
}

} // namespace guest
