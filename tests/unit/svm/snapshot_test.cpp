// tests/unit/svm/snapshot_test.cpp — the whole machine returns: memory, registers, segments, vector
// registers.
#include <cstring>

#include "tests/unit/svm/world.h"

namespace {

using namespace sim;
using svm::ExitCode;

class SnapshotTest : public SvmTest {
  protected:
    Machine at_the_snapshot_point() {
        Machine machine = make();
        map_low_addresses(machine);
        EXPECT_TRUE(machine.protect_tables(GuestPhys(16 * page_size), 4).ok());
        machine.registers().rip = 0x401000, machine.registers().rbx = 0xB;
        script.write(GuestPhys(0x1000), 0x11);
        run(machine);
        EXPECT_TRUE(machine.take_snapshot(snapshot).ok());
        return machine;
    }
};

TEST_F(SnapshotTest, EverythingThatACaseChangesComesBack) {
    Machine machine = at_the_snapshot_point();
    sim::cpu().fx_state[40] = 0; // registers as they are in the snapshot
    for (u32 round = 0; round < 3; ++round) {
        EXPECT_EQ(machine.digest().take(), snapshot.digest());
        script.write(GuestPhys(0x1000), 0x22).act([](vm::Registers &r, svm::Save &save) {
            EXPECT_EQ(r.rbx, 0xBu);
            EXPECT_EQ(save.rip, 0x401000u);
            EXPECT_EQ(save.ds.selector, 0);
            EXPECT_EQ(save.fs.base, 0u);
            r.rbx = 9, save.rip = 0x402000, save.ds.selector = 0x2B, save.fs.base = 0x1234, save.cpl = 0;
            sim::cpu().fx_state[40] = 77;
        });
        run(machine);
        EXPECT_NE(machine.digest().take(), snapshot.digest());
        ASSERT_TRUE(machine.reset().ok());
        EXPECT_EQ(sim::cpu().fx_state[40], 0);
        EXPECT_EQ(machine.system().fs_base, 0u);
        EXPECT_EQ(machine.registers().rbx, 0xBu);
        EXPECT_EQ(machine.registers().privilege, vm::Privilege::user);
        u8 byte = 0;
        ASSERT_TRUE(machine.read(GuestPhys(0x1000), {&byte, 1}).ok());
        EXPECT_EQ(byte, 0x11);
    }
}

TEST_F(SnapshotTest, TheX87IsRestoredOnlyWhenTheGuestUsedIt) {
    Machine machine = at_the_snapshot_point();
    const auto case_that_writes = [&](u32 offset) {
        script.act([offset](vm::Registers &, svm::Save &) { sim::cpu().fx_state[offset] = 77; });
        run(machine);
        const u64 before = sim::cpu().fxrstors;
        EXPECT_TRUE(machine.reset().ok());
        EXPECT_EQ(sim::cpu().fx_state[offset], snapshot.processor().vectors.bytes[offset]);
        return sim::cpu().fxrstors - before;
    };
    for (const u32 sse : {24u, 160u, 415u}) EXPECT_EQ(case_that_writes(sse), 0u) << sse;
    EXPECT_EQ(sim::cpu().fop_kept, 0) << "whatever was on the stack there would pass for the guest's";
    for (const u32 control : {0u, 2u, 23u}) EXPECT_EQ(case_that_writes(control), 0u) << "FNINIT does that";
    for (const u32 x87 : {32u, 41u, 144u, 153u}) EXPECT_EQ(case_that_writes(x87), 1u) << x87;
}

// FXSAVE does not show it, FNSTENV in the guest does.
TEST_F(SnapshotTest, TheAddressOfTheLastX87InstructionIsTheSameAtTheStartOfEachCase) {
    sim::cpu().x87_instruction = 0x1234; // by the start-up
    Machine machine = at_the_snapshot_point();
    const auto one_case = [](vm::Registers &, svm::Save &) {
        EXPECT_EQ(sim::cpu().x87_instruction, 0u);
        sim::cpu().x87_instruction = 0x401000;
    };
    for (u32 i = 0; i < 3; ++i) {
        script.act(one_case);
        run(machine);
        ASSERT_TRUE(machine.reset().ok());
    }
    Machine second = make();
    sim::cpu().x87_instruction = 0x5678;
    ASSERT_TRUE(second.attach(snapshot).ok());
    script.act(one_case);
    run(second);
}

TEST_F(SnapshotTest, AMachineThatBeginsOnACoreNeedsNoFxrstorWhateverRanThereBefore) {
    const u64 before = sim::cpu().fxrstors;
    std::memset(sim::cpu().fx_state, 0x5A, sizeof sim::cpu().fx_state);
    svm::Core fresh(plain_features(), maps);
    fresh.start(memory, memory).take();
    Machine machine = Machine::make(fresh, memory, memory, heap.allocator(), guest_size).take();
    run(machine);
    EXPECT_EQ(sim::cpu().fxrstors, before);
}

TEST_F(SnapshotTest, ASteadyCaseIsOneExitAndOneFlush) {
    Machine machine = at_the_snapshot_point();
    const auto one_case = [&] {
        const u8 input = 0x33;
        ASSERT_TRUE(machine.write(GuestPhys(0x2000), {&input, 1}).ok());
        u8 seen = 0;
        script.read(GuestPhys(0x2000), seen).write(GuestPhys(0x1000), 1).write(GuestPhys(0x1FF000), 2);
        run(machine);
        EXPECT_EQ(seen, 0x33);
        ASSERT_TRUE(machine.reset().ok());
    };
    one_case(), one_case();
    const vm::Statistics warm = machine.statistics();
    const u64 flushes = script.flushes(), frames = memory.used(), live = heap.live();
    for (u32 i = 0; i < 20; ++i) one_case();
    EXPECT_EQ(machine.statistics().exits, warm.exits + 20);
    EXPECT_EQ(machine.statistics().new_pages, warm.new_pages);
    EXPECT_EQ(machine.statistics().allocations, warm.allocations);
    EXPECT_EQ(machine.statistics().dirty_pages, warm.dirty_pages + 60);
    EXPECT_EQ(machine.statistics().resets, warm.resets + 20);
    EXPECT_EQ(script.flushes(), flushes + 20);
    EXPECT_EQ(memory.used(), frames);
    EXPECT_EQ(heap.live(), live);
    EXPECT_EQ(machine.digest().take(), snapshot.digest());
}

TEST_F(SnapshotTest, AnotherMachineStartsFromTheSameSnapshot) {
    Machine first = at_the_snapshot_point();
    Machine second = make();
    ASSERT_TRUE(second.attach(snapshot).ok());
    EXPECT_EQ(second.digest().take(), snapshot.digest());
    EXPECT_EQ(second.registers(), first.registers());
    EXPECT_EQ(second.system(), first.system());
    script.write(GuestPhys(0x1000), 0x44).act([](vm::Registers &r, svm::Save &) { EXPECT_EQ(r.rbx, 0xBu); });
    run(second);
    u8 byte = 0;
    ASSERT_TRUE(first.read(GuestPhys(0x1000), {&byte, 1}).ok());
    EXPECT_EQ(byte, 0x11);
}

TEST_F(SnapshotTest, TwoMachinesOnOneCoreKeepTheirVectorRegisters) {
    Machine first = make();
    Machine second = make();
    const auto play = [&](Machine &machine, u8 expected, u8 next) {
        script.act([=](vm::Registers &, svm::Save &) {
            EXPECT_EQ(sim::cpu().fx_state[100], expected);
            sim::cpu().fx_state[100] = next;
        });
        run(machine);
    };
    play(first, 0, 1);
    play(second, 0, 2);
    play(first, 1, 3);
    play(first, 3, 4);
    play(second, 2, 5);
    play(first, 4, 6);
}

TEST_F(SnapshotTest, AFreshMachineBeginsWithTheVectorRegistersOfReset) {
    Machine machine = make();
    run(machine);
    u16 control_word = 0;
    u32 mxcsr = 0;
    std::memcpy(&control_word, sim::cpu().fx_state, 2);
    std::memcpy(&mxcsr, sim::cpu().fx_state + 24, 4);
    EXPECT_EQ(control_word, 0x37F);
    EXPECT_EQ(mxcsr, 0x1F80u);
}

TEST_F(SnapshotTest, AHostThatChangedTheBasesIsUndoneToo) {
    Machine machine = at_the_snapshot_point();
    vm::SystemRegisters system = machine.system();
    system.fs_base = 0x5000;
    machine.set_system(system);
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_EQ(machine.system().fs_base, 0u);
    EXPECT_EQ(machine.digest().take(), snapshot.digest());
}

TEST_F(SnapshotTest, APrivilegeSetButNotYetRunBelongsToTheSnapshot) {
    Machine machine = make();
    run(machine);
    machine.registers().privilege = vm::Privilege::supervisor;
    ASSERT_TRUE(machine.take_snapshot(snapshot).ok());
    Machine second = make();
    ASSERT_TRUE(second.attach(snapshot).ok());
    script.act([](vm::Registers &, svm::Save &save) {
        EXPECT_EQ(save.cs.selector, 0x10);
        EXPECT_EQ(save.cpl, 0);
    });
    run(second);
}

TEST_F(SnapshotTest, ASnapshotIsTakenOnceAndOutlivesItsTaker) {
    vm::Snapshot other;
    {
        Machine machine = at_the_snapshot_point();
        EXPECT_TRUE(fails_with(machine.take_snapshot(snapshot), vm::snapshot_state));
        EXPECT_TRUE(fails_with(machine.take_snapshot(other), vm::snapshot_state));
        Machine fresh = make();
        EXPECT_TRUE(fails_with(fresh.reset(), vm::snapshot_state));
        EXPECT_TRUE(fails_with(fresh.attach(other), vm::snapshot_state));
    }
    Machine later = make();
    ASSERT_TRUE(later.attach(snapshot).ok());
    EXPECT_EQ(later.digest().take(), snapshot.digest());
}

class RichTest : public SvmTest {
  protected:
    RichTest() : SvmTest(rich_features()) {}
};

TEST_F(RichTest, TheSavedNextRipIsUsed) {
    Machine machine = make();
    script.step([](svm::EntryFrame &, svm::Vmcb &vmcb) {
        vmcb.control.next_rip = 0x777;
        return true;
    });
    ASSERT_TRUE(machine.skip_instruction(run(machine)).ok());
    EXPECT_EQ(machine.registers().rip, 0x777u);
}

TEST_F(RichTest, AFlushIsOfThisGuestAlone) {
    Machine machine = make();
    script.step([](svm::EntryFrame &, svm::Vmcb &vmcb) {
        EXPECT_EQ(vmcb.control.tlb_control, 3u);
        return true;
    });
    run(machine);
}

TEST_F(RichTest, WithDecodeAssistsASoftwareInterruptNeedsNoLookAtTheBytes) {
    Machine machine = make(); // no page table: reading would fail
    script.exit(ExitCode::intn, 0x80);
    EXPECT_EQ(run(machine).kind, vm::ExitKind::other);
}

TEST_F(RichTest, BranchRecordsAreOnAndNameTheLastBranchBeforeAnException) {
    Machine machine = make();
    script
        .act([](vm::Registers &, svm::Save &save) {
            EXPECT_EQ(save.debug_control, 1u);
            save.branch_from = 0x401234;
        })
        .exception(14, 0x14, 0);
    EXPECT_EQ(run(machine).branch_from, 0x401234u);
}

TEST_F(RichTest, AResetSwitchesBranchRecordsOnAgainThatADebugExceptionSwitchedOff) {
    Machine machine = make();
    ASSERT_TRUE(machine.take_snapshot(snapshot).ok());
    script.act([](vm::Registers &, svm::Save &save) { save.debug_control = 0; }).exception(1, 0, 0);
    run(machine);
    ASSERT_TRUE(machine.reset().ok());
    script.step([](svm::EntryFrame &, svm::Vmcb &vmcb) {
        EXPECT_EQ(vmcb.save.debug_control, 1u);
        EXPECT_EQ(vmcb.control.clean_bits & svm::Clean::BranchRecords::mask, 0u)
            << "the processor must read it";
        return true;
    });
    run(machine);
}

TEST_F(SnapshotTest, WithoutBranchRecordsNoneIsClaimed) {
    Machine machine = make();
    script.act([](vm::Registers &, svm::Save &save) { save.branch_from = 5; }).exception(14, 0x14, 0);
    EXPECT_EQ(run(machine).branch_from, 0u);
}

} // namespace
