// tests/kernel/unit/fault_injection_test.cpp — fault injection on the machine: everything that can fail
// between the first frame and a fuzzed case fails once.
#include "base/log.h"
#include "tests/kernel/unit/address_space_scenario.h"
#include "tests/kernel/unit/target_scenario.h"

namespace kernel {

namespace {

// tests/qemu/verdicts.py reads this line.
void log_count(Text scenario, const FailureCount &count) {
    LOG(kernel, "failures in {}: {} points, {} injected, {} reported, {} succeeded without", scenario,
        count.points, count.injected, count.reported, count.injected - count.reported);
}

rstate::Result<> fail_in_the_address_space(u64 most) {
    const AddressSpaceFixture fixture{
        TRY(world->frames.allocate_run(AddressSpaceFixture::frames, 1, mm::Owner::device),
            "allocating the frames of a scenario")};
    auto ran = FaultInjectionRunner<AddressSpaceScenario>(fixture).fail_everywhere(most);
    world->frames.free_run(fixture.first, AddressSpaceFixture::frames, mm::Owner::device);
    const FailureCount count = TRY(std::move(ran), "failing in the address space");
    log_count("the address space", count);
    EXPECT(count.reported > count.injected / 2, count.reported, count.injected);
    return rstate::done();
}

rstate::Result<> fail_with_a_target(const TestContext &context, u64 most) {
    const Phys maps = TRY(world->frames.allocate_run(svm::PermissionMaps::pages, 1, mm::Owner::device),
                          "allocating frames for the permission maps");
    const u32 seed = context.bundle.next("seed/");
    EXPECT(seed < context.bundle.count(), seed);
    const TargetFixture fixture{context.bundle, maps, context.bundle.entry(seed).data};
    auto ran = FaultInjectionRunner<TargetScenario>(fixture).fail_everywhere(most);
    world->frames.free_run(maps, svm::PermissionMaps::pages, mm::Owner::device);
    rstate::ignore(start_svm(), "the scenarios switch SVM off, and other tests need it on");
    const FailureCount count = TRY(std::move(ran), "failing with a target");
    log_count("a target", count);
    EXPECT(count.reported > count.injected / 2, count.reported, count.injected);
    return rstate::done();
}

constexpr u64 some = 5, all = ~0ul; // failure points of each kind in each step

rstate::Result<> long_some_failures_in_the_address_space_are_reported_and_leak_nothing(const TestContext &) {
    return fail_in_the_address_space(some);
}
RL_TEST(long_some_failures_in_the_address_space_are_reported_and_leak_nothing);

rstate::Result<> long_some_failures_with_a_target_are_reported_and_leak_nothing(const TestContext &context) {
    return fail_with_a_target(context, some);
}
RL_VM_TEST(long_some_failures_with_a_target_are_reported_and_leak_nothing);

rstate::Result<> long_all_failures_are_reported_and_leak_nothing(const TestContext &context) {
    TRY(fail_in_the_address_space(all), "every failure in the address space");
    return fail_with_a_target(context, all);
}
RL_VM_TEST(long_all_failures_are_reported_and_leak_nothing);

} // namespace

} // namespace kernel
