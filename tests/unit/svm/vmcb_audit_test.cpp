// tests/unit/svm/vmcb_audit_test.cpp — what silicon would punish is an error here.
#include "svm/vmcb_audit.h"

#include <functional>
#include <memory>

#include "tests/unit/svm/world.h"

namespace {

using namespace sim;
using svm::Vmcb;

TEST(TlbFlushTracker, AFlushIsRequestedFromTheStartAndAfterEveryChange) {
    svm::TlbFlushTracker tracker;
    svm::Control control{};
    EXPECT_TRUE(fails_with(tracker.check(control, 1), svm::missing_flush));
    control.tlb_control = static_cast<u32>(svm::TlbControl::flush_all);
    EXPECT_TRUE(tracker.check(control, 1).ok());
    tracker.done(control, 1);
    control.tlb_control = 0;
    EXPECT_TRUE(tracker.check(control, 1).ok());
    EXPECT_TRUE(fails_with(tracker.check(control, 2), svm::missing_flush));
}

TEST(TlbFlushTracker, AnEntryWithoutAFlushLeavesItRequested) {
    svm::TlbFlushTracker tracker;
    svm::Control control{};
    tracker.done(control, 5);
    EXPECT_TRUE(tracker.requested(5));
    control.tlb_control = 3;
    tracker.done(control, 5);
    EXPECT_FALSE(tracker.requested(5));
    tracker.request();
    EXPECT_TRUE(tracker.requested(5));
}

// One field of each area, in the order of the clean bits.
const std::function<void(Vmcb &)> changes[svm::clean_areas] = {
    [](Vmcb &v) { v.control.exceptions ^= 1; }, [](Vmcb &v) { v.control.iopm_base ^= 0x1000; },
    [](Vmcb &v) { v.control.asid ^= 1; },       [](Vmcb &v) { v.control.virtual_interrupt ^= 1; },
    [](Vmcb &v) { v.save.g_pat ^= 6; },         [](Vmcb &v) { v.save.cr3 ^= 0x1000; },
    [](Vmcb &v) { v.save.dr6 ^= 1; },           [](Vmcb &v) { v.save.gdtr.limit ^= 1; },
    [](Vmcb &v) { v.save.ds.selector ^= 8; },   [](Vmcb &v) { v.save.cr2 ^= 1; },
    [](Vmcb &v) { v.save.branch_from ^= 1; },
};

TEST(CheckedAudit, NoticesAChangeInEachAreaThatIsClaimedClean) {
    for (u32 area = 0; area < svm::clean_areas; ++area) {
        const auto vmcb = std::make_unique<Vmcb>();
        svm::CheckedAudit audit;
        audit.after_exit(*vmcb);
        EXPECT_TRUE(audit.before_entry(*vmcb, svm::Clean::All::mask).ok());
        changes[area](*vmcb);
        EXPECT_TRUE(fails_with(audit.before_entry(*vmcb, 1ul << area), svm::stale_clean_area)) << area;
        EXPECT_TRUE(audit.before_entry(*vmcb, svm::Clean::All::mask & ~(1ul << area)).ok()) << area;
    }
}

class VmcbAuditTest : public SvmTest {};

TEST_F(VmcbAuditTest, AFieldChangedBehindTheCleanBitsStopsTheMachine) {
    Machine machine = make();
    run(machine);
    svm::VmcbFaultInjector<Machine>(machine).changed_behind_clean_bits();
    auto result = machine.run();
    EXPECT_TRUE(fails_with(std::move(result), svm::stale_clean_area));
    EXPECT_EQ(script.entries(), 1u);
}

TEST_F(VmcbAuditTest, WhatTheMachineItselfChangesIsNeverClaimedClean) {
    Machine machine = make();
    map_low_addresses(machine);
    run(machine);
    ASSERT_TRUE(machine.take_snapshot(snapshot).ok());
    for (u32 round = 0; round < 3; ++round) {
        machine.registers().privilege = vm::Privilege::supervisor;
        run(machine);
        vm::SystemRegisters system = machine.system();
        system.cr3 += page_size, system.fs_base += 8;
        machine.set_system(system);
        run(machine);
        script.act([](vm::Registers &, svm::Save &save) { save.ds = {0x2B, 0xCF3, ~0u, 0}, save.cr2 = 5; });
        run(machine);
        ASSERT_TRUE(machine.reset().ok());
        run(machine);
    }
}

class CleanBitsTest : public SvmTest {
  protected:
    CleanBitsTest() : SvmTest(rich_features()) {}
};

TEST_F(CleanBitsTest, TheFirstEntryClaimsNothingAndASteadyOneEverything) {
    Machine machine = make();
    run(machine);
    EXPECT_EQ(script.clean_bits, 0u);
    run(machine);
    EXPECT_EQ(script.clean_bits, svm::Clean::All::mask);
    machine.registers().privilege = vm::Privilege::supervisor;
    run(machine);
    EXPECT_EQ(script.clean_bits, svm::Clean::All::mask & ~svm::Clean::Segments::mask);
}

TEST_F(VmcbAuditTest, WithoutTheFeatureNothingIsClaimed) {
    Machine machine = make();
    run(machine), run(machine);
    EXPECT_EQ(script.clean_bits, 0u);
}

} // namespace
