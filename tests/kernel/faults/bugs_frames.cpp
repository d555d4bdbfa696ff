// tests/kernel/faults/bugs_frames.cpp — injected bugs: frames and the pins through which they are reached.
#include "kernel/campaign/campaign.h"
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

constexpr mm::Owner owner = mm::Owner::device;

rstate::Result<Phys> take_frame() { return TRY(world->frames.allocate(owner), "allocating a frame"); }

rstate::Result<volatile u8 *> bytes_of_ended_pin(Phys frame) {
    auto pin = TRY(world->windows.pin(frame), "pinning a frame", frame);
    return opaque<volatile u8>(pin.bytes());
}
rstate::Result<> stale_pin(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    volatile u8 *bytes = TRY(bytes_of_ended_pin(frame), "keeping the pointer of a pin");
    world->frames.free(frame, owner);
    touch_byte<Touch::write>(bytes);
    return rstate::done();
}
rstate::Result<> stale_pin_of_a_live_frame(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    touch_byte<Touch::write>(TRY(bytes_of_ended_pin(frame), "keeping the pointer of a pin"));
    world->frames.free(frame, owner);
    return rstate::done();
}

rstate::Result<> leak_pin(Phys frame) {
    alignas(Windows::Pin) u8 place[sizeof(Windows::Pin)];
    new (opaque(place)) Windows::Pin(TRY(world->windows.pin(frame), "pinning a frame", frame));
    return rstate::done();
}
rstate::Result<> leaked_pin(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    return leak_pin(frame);
}
// During a campaign: the target's name lies in a lazy range, whose pager leaks a pin when the kernel logs the
// name.
rstate::Result<> leaked_pin_in_a_campaign(const TestContext &context) {
    static constinit Phys frame{};
    frame = TRY(take_frame(), "allocating a frame");
    static constexpr mm::Pager pager{nullptr,
                                     [](void *, u64, u8 *page) -> rstate::Result<void> {
                                         *page = 'x';
                                         return leak_pin(frame);
                                     },
                                     nullptr};
    const mm::AllocationSite site{"injected", __FILE__, "", __LINE__};
    const mm::Range name = TRY(
        world->space.reserve({1, site, mm::RangeKind::lazy, mm::Owner::heap, mm::read_write, &pager, 0, 0}),
        "reserving a lazy range");
    boot::Options options;
    options.target = {pointer_to<const char>(name.first), 1};
    options.cpus = 1, options.cases = 100;
    return run_campaign(context.bundle, options, context.args.core_count, context.args.ticks_per_second());
}
rstate::Result<> free_under_a_pin(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    TRY(leak_pin(frame), "leaking a pin");
    world->frames.free(frame, owner);
    return rstate::done();
}

rstate::Result<> double_freed_frame(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    for (u32 i = 0; i < 2; ++i) world->frames.free(frame, owner);
    return rstate::done();
}
rstate::Result<> strangers_frame(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    world->frames.free(frame, mm::Owner::snapshot);
    return rstate::done();
}
rstate::Result<> foreign_frame(const TestContext &context) {
    world->frames.free(Phys(context.args.lapic), owner);
    return rstate::done();
}
rstate::Result<> mapped_frame(const TestContext &) {
    const Phys frame = TRY(take_frame(), "allocating a frame");
    const mm::AllocationSite site{"injected", __FILE__, "", __LINE__};
    TRY(world->space.map_device(frame, 1, site), "mapping the frame");
    world->frames.free(frame, owner);
    return rstate::done();
}
rstate::Result<> leaked_frame(const TestContext &) {
    static_cast<void>(TRY(take_frame(), "allocating a frame"));
    return rstate::done();
}
rstate::Result<> leaked_block(const TestContext &) {
    static_cast<void>(TRY(make_block(world->heap, 100), "making a block"));
    return rstate::done();
}

constexpr Test bugs[] = {
    {"stale-pin", stale_pin},
    {"stale-pin-of-a-live-frame", stale_pin_of_a_live_frame},
    {"leaked-pin", leaked_pin},
    {"leaked-pin-in-a-campaign", leaked_pin_in_a_campaign},
    {"free-under-a-pin", free_under_a_pin},
    {"free-of-a-mapped-frame", mapped_frame},
    {"double-freed-frame", double_freed_frame},
    {"strangers-frame", strangers_frame},
    {"foreign-frame", foreign_frame},
    {"leaked-frame", leaked_frame},
    {"leaked-block", leaked_block},
};

} // namespace

constinit const BugList frame_bugs = bugs;

} // namespace kernel
