// tests/unit/svm/machine_test.cpp — a machine from its making to its exits: what it resolves itself and what
// it gives.
#include "tests/unit/svm/world.h"

#include <cstring>
#include <string>

namespace {

using namespace sim;
using svm::ExitCode;
using vm::ExitKind;
using vm::Privilege;

class MachineTest : public SvmTest {};

TEST_F(MachineTest, RunsToAHypercallInOneExit) {
    Machine machine = make();
    const vm::Exit exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::hypercall);
    EXPECT_EQ(exit.privilege, Privilege::user);
    EXPECT_EQ(machine.statistics().exits, 1u);
    EXPECT_EQ(script.host_vmcb, core.host_vmcb());
}

TEST_F(MachineTest, RegistersGoInAndComeOut) {
    Machine machine = make();
    vm::Registers &r = machine.registers();
    r.rax = 0xA, r.rsp = 0x5000, r.rip = 0x401000, r.rflags = 0x402, r.r15 = 0xF;
    script.act([](vm::Registers &live, svm::Save &save) {
        EXPECT_EQ(save.rax, 0xAu);
        EXPECT_EQ(save.rsp, 0x5000u);
        EXPECT_EQ(save.rip, 0x401000u);
        EXPECT_EQ(save.rflags, 0x602u); // interrupts are on, whatever was asked
        EXPECT_EQ(live.r15, 0xFu);
        save.rax = 0xB, save.rsp = 0x6000, save.rip = 0x402000, save.rflags = 0x246, live.r15 = 0x10;
    });
    run(machine);
    EXPECT_EQ(r.rax, 0xBu);
    EXPECT_EQ(r.rsp, 0x6000u);
    EXPECT_EQ(r.rip, 0x402000u);
    EXPECT_EQ(r.rflags, 0x246u);
    EXPECT_EQ(r.r15, 0x10u);
}

TEST_F(MachineTest, NewPagesAreResolvedAndCounted) {
    Machine machine = make();
    u8 seen = 1;
    script.write(GuestPhys(0x1000), 0x42).read(GuestPhys(0x2000), seen).write(GuestPhys(0x1001), 0x43);
    EXPECT_EQ(run(machine).kind, ExitKind::hypercall);
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(machine.statistics().new_pages, 2u);
    EXPECT_EQ(machine.statistics().exits, 3u);
    u8 bytes[2] = {};
    ASSERT_TRUE(machine.read(GuestPhys(0x1000), bytes).ok());
    EXPECT_EQ(bytes[0], 0x42);
    EXPECT_EQ(bytes[1], 0x43);
}

TEST_F(MachineTest, MemoryBeyondTheEndIsAnExitNotAnError) {
    Machine machine = make();
    script.write(GuestPhys(guest_size + 0x123), 1);
    const vm::Exit exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::beyond_memory);
    EXPECT_EQ(exit.address, guest_size + 0x123);
    EXPECT_EQ(exit.access, vm::Access::write);
}

TEST_F(MachineTest, TicksAreResolvedUntilTheDeadline) {
    Machine machine = make();
    machine.set_deadline(3);
    for (u32 i = 0; i < 2; ++i) script.tick();
    EXPECT_EQ(run(machine).kind, ExitKind::hypercall);
    script.tick();
    EXPECT_EQ(run(machine).kind, ExitKind::deadline); // they add up over runs
    EXPECT_EQ(machine.statistics().ticks, 3u);
    machine.set_deadline(0);
    for (u32 i = 0; i < 10; ++i) script.exit(ExitCode::nmi);
    EXPECT_EQ(run(machine).kind, ExitKind::hypercall);
}

TEST_F(MachineTest, WhatOtherCoresAskMeanwhileTakesNoTimeFromTheGuest) {
    Machine machine = make();
    machine.set_deadline(3);
    for (u32 i = 0; i < 50; ++i) script.exit(ExitCode::intr); // shoot-downs
    EXPECT_EQ(run(machine).kind, ExitKind::hypercall);
    EXPECT_EQ(machine.statistics().ticks, 50u);
}

TEST_F(MachineTest, TimeInTheGuestAndInResetsIsCounted) {
    Machine machine = make();
    script.act([](vm::Registers &, svm::Save &) { sim::cpu().tsc += 1000; });
    run(machine);
    const u64 run_once = machine.statistics().guest_time;
    EXPECT_GE(run_once, 1000u);
    EXPECT_LE(run_once, 1100u) << "what was before the entry and behind the exit is not the guest's";
    ASSERT_TRUE(machine.take_snapshot(snapshot).ok());
    EXPECT_EQ(machine.statistics().reset_time, 0u);
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_GT(machine.statistics().reset_time, 0u);
    EXPECT_EQ(machine.statistics().guest_time, run_once);
}

TEST_F(MachineTest, AResetGivesTheCaseItsTicksBack) {
    Machine machine = make();
    run(machine);
    ASSERT_TRUE(machine.take_snapshot(snapshot).ok());
    machine.set_deadline(2);
    for (u32 round = 0; round < 5; ++round) {
        script.tick();
        EXPECT_EQ(run(machine).kind, ExitKind::hypercall);
        ASSERT_TRUE(machine.reset().ok());
    }
}

TEST_F(MachineTest, ExceptionsArriveWithAllTheyCarry) {
    Machine machine = make();
    script.exception(14, 6, 0xDEAD0);
    const vm::Exit exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::exception);
    EXPECT_EQ(exit.vector, 14);
    EXPECT_EQ(exit.error_code, 6u);
    EXPECT_EQ(exit.address, 0xDEAD0u);
}

TEST_F(MachineTest, PrivilegeChoosesTheSegmentsAndIsReadBack) {
    Machine machine = make();
    script.act([](vm::Registers &, svm::Save &save) {
        EXPECT_EQ(save.cs.selector, 0x33);
        EXPECT_EQ(save.cpl, 3);
        save.cs = {0x10, 0xA9B, ~0u, 0}, save.ss = {0x18, 0xC93, ~0u, 0}, save.cpl = 0; // SYSCALL
    });
    EXPECT_EQ(run(machine).privilege, Privilege::supervisor);
    EXPECT_EQ(machine.registers().privilege, Privilege::supervisor);
    machine.registers().privilege = Privilege::user;
    script.act([](vm::Registers &, svm::Save &save) {
        EXPECT_EQ(save.cs.selector, 0x33);
        EXPECT_EQ(save.ss.selector, 0x2B);
        EXPECT_EQ(save.cpl, 3);
    });
    run(machine);
}

TEST_F(MachineTest, ARefusedVmcbIsAChainThatNamesTheRule) {
    Machine machine = make();
    run(machine);
    svm::VmcbFaultInjector<Machine>(machine).refused_by_the_processor();
    svm::Vmcb &vmcb = svm::VmcbFaultInjector<Machine>(machine).vmcb();
    vmcb.control.clean_bits = 0;
    auto result = machine.run();
    ASSERT_FALSE(result.ok());
    // CheckedAudit detects the changed intercepts first. Without it the processor refuses the VMCB.
    EXPECT_TRUE(fails_with(std::move(result), svm::stale_clean_area));
    using Plain = svm::Machine<SimMemory, SimMemory, svm::UncheckedAudit>;
    Plain plain = Plain::make(core, memory, memory, heap.allocator(), guest_size).take();
    EXPECT_TRUE(plain.run().ok());
    svm::VmcbFaultInjector<Plain>(plain).refused_by_the_processor();
    auto refused = plain.run();
    ASSERT_FALSE(refused.ok());
    rstate::Error error = refused.take_error();
    EXPECT_TRUE(error.is(svm::vmrun_refused));
    clear_log();
    rstate::report(std::move(error), "case 7");
    const std::string text = log_text();
    EXPECT_NE(text.find("error svm.vmrun_refused on core 0, case 7"), std::string::npos) << text;
    EXPECT_NE(text.find("VMRUN refused the VMCB"), std::string::npos) << text;
    EXPECT_NE(text.find("0xffffffff"), std::string::npos) << text;
    EXPECT_NE(text.find("VMRUN is intercepted"), std::string::npos) << text;
    EXPECT_NE(text.find("entering the guest"), std::string::npos) << text;
}

TEST_F(MachineTest, OurOwnCheckStopsABadVmcbBeforeTheProcessorSeesIt) {
    Machine machine = make();
    svm::VmcbFaultInjector<Machine>(machine).refused_by_our_check();
    EXPECT_TRUE(fails_with(machine.run(), svm::vmcb_breaks_rule));
    EXPECT_EQ(script.entries(), 0u);
}

TEST_F(MachineTest, AnUnknownExitIsAnError) {
    Machine machine = make();
    script.exit(static_cast<ExitCode>(0x9F));
    EXPECT_TRUE(fails_with(machine.run(), svm::unknown_exit));
}

// An emulator that lost its flag for nested paging between #VMEXIT and the host does this.
TEST_F(MachineTest, AStateThatIsNotTheGuestsIsAnErrorAndNoFindingOfTheGuests) {
    Machine machine = make();
    script.act([](vm::Registers &, svm::Save &save) {
        save.cr3 = 0x41B7000, save.rip = 0xFFFF'C23C'13B9'2006, save.cpl = 0;
    });
    script.exit(ExitCode::nested_page_fault, 0x2'0000'0006, 0x41B7C20);
    EXPECT_TRUE(fails_with(machine.run(), svm::torn_exit));
}

TEST_F(MachineTest, AnInterruptedBreakpointIsRecognisedInEitherForm) {
    Machine machine = make();
    map_low_addresses(machine);
    const u8 code[] = {0xCC, 0xCD, 0x80};
    ASSERT_TRUE(machine.write(GuestPhys(0x3000), code).ok());
    machine.registers().rip = 0x3000;
    script.exit(ExitCode::intn); // INT3 as the emulator gives it
    vm::Exit exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::exception);
    EXPECT_EQ(exit.vector, 3);
    script.exception(3); // as silicon does
    exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::exception);
    EXPECT_EQ(exit.vector, 3);
    machine.registers().rip = 0x3001;
    script.exit(ExitCode::intn);
    exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::other);
    EXPECT_STREQ(exit.what, "INT n");
}

TEST_F(MachineTest, PrefixesDoNotHideAnInt3) {
    Machine machine = make();
    map_low_addresses(machine);
    const u8 code[] = {0x48, 0x66, 0x3E, 0xCC, 0xF0, 0xCC, 0x66, 0xCD, 0x80, 0xF0, 0xCD, 0x80};
    ASSERT_TRUE(machine.write(GuestPhys(0x3000), code).ok());
    struct {
        u64 rip;
        ExitKind kind;
        u8 vector;
    } const stops[] = {{0x3000, ExitKind::exception, 3},
                       {0x3004, ExitKind::exception, 6}, // LOCK, which emulators run
                       {0x3006, ExitKind::other, 0},
                       {0x3009, ExitKind::exception, 6}};
    for (const auto &stop : stops) {
        machine.registers().rip = stop.rip;
        script.exit(ExitCode::intn);
        const vm::Exit exit = run(machine);
        EXPECT_EQ(exit.kind, stop.kind) << stop.rip;
        EXPECT_EQ(exit.vector, stop.vector) << stop.rip;
    }
    machine.registers().rip = 0x7000'0000; // not mapped: the exit stays what it is
    script.exit(ExitCode::intn);
    EXPECT_EQ(run(machine).kind, ExitKind::other);
}

TEST_F(MachineTest, WithoutNripTheGuestsBytesTellHowFarToSkip) {
    Machine machine = make();
    map_low_addresses(machine);
    const u8 cpuid[] = {0x48, 0x0F, 0xA2};
    ASSERT_TRUE(machine.write(GuestPhys(0x2FFE), cpuid).ok()); // across a page
    machine.registers().rip = 0x2FFE;
    script.exit(ExitCode::cpuid);
    const vm::Exit exit = run(machine);
    EXPECT_EQ(exit.kind, ExitKind::cpuid);
    EXPECT_EQ(machine.statistics().cpuid_exits, 1u);
    ASSERT_TRUE(machine.skip_instruction(exit).ok());
    EXPECT_EQ(machine.registers().rip, 0x3001u);
    EXPECT_TRUE(fails_with(machine.skip_instruction(exit), vm::unexpected_instruction));
}

TEST_F(MachineTest, AnInstructionAtTheEndOfWhatIsMappedCanBeSkipped) {
    Machine machine = make();
    map_low_addresses(machine);
    const u8 vmmcall[] = {0x0F, 0x01, 0xD9};
    ASSERT_TRUE(machine.write(GuestPhys(0x1FFFFD), vmmcall).ok()); // nothing is mapped from 2 MiB on
    machine.registers().rip = 0x1FFFFD;
    ASSERT_TRUE(machine.skip_instruction(run(machine)).ok());
    EXPECT_EQ(machine.registers().rip, 0x200000u);
}

TEST_F(MachineTest, APortAccessBringsItsNextRip) {
    Machine machine = make();
    script.exit(ExitCode::ioio, 0x80'0010, 0x4002);
    const vm::Exit exit = run(machine);
    ASSERT_TRUE(machine.skip_instruction(exit).ok());
    EXPECT_EQ(machine.registers().rip, 0x4002u);
}

TEST_F(MachineTest, VirtualAddressesGoThroughTheGuestsTables) {
    Machine machine = make();
    map_low_addresses(machine);
    EXPECT_EQ(machine.translate(GuestVirt(0x5678)).take(), GuestPhys(0x5678));
    EXPECT_TRUE(fails_with(machine.translate(GuestVirt(0x200000)), vm::guest_not_mapped));
    EXPECT_TRUE(fails_with(machine.translate(GuestVirt(1ul << 47)), vm::guest_not_mapped));
    const u8 text[] = {1, 2, 3, 4};
    ASSERT_TRUE(machine.write(GuestVirt(0x6FFE), text).ok());
    u8 back[4] = {};
    ASSERT_TRUE(machine.read(GuestVirt(0x6FFE), back).ok());
    EXPECT_EQ(std::memcmp(text, back, 4), 0);
    u64 pieces = 0, bytes = 0;
    ASSERT_TRUE(machine
                    .view(GuestVirt(0x6FFE), 4,
                          [&](u64 offset, Bytes piece) {
                              EXPECT_EQ(offset, bytes);
                              EXPECT_EQ(piece[0], offset + 1);
                              ++pieces, bytes += piece.size();
                          })
                    .ok());
    EXPECT_EQ(pieces, 2u);
    EXPECT_EQ(bytes, 4u);
    EXPECT_TRUE(fails_with(machine.read(GuestVirt(0x1FFFFE), back), vm::guest_not_mapped));
}

TEST_F(MachineTest, GuestTablesThatPointOutsideItsMemoryAreErrorsNotCrashes) {
    Machine machine = make();
    map_low_addresses(machine);
    const u64 wild = 0x7FFF'FFFF'F067;
    ASSERT_TRUE(machine.write(GuestPhys(16 * page_size), {reinterpret_cast<const u8 *>(&wild), 8}).ok());
    EXPECT_TRUE(fails_with(machine.translate(GuestVirt(0x1000)), vm::outside_memory));
}

TEST_F(MachineTest, ANewCr3RequestsAFlush) {
    Machine machine = make();
    run(machine);
    EXPECT_EQ(script.flushes(), 1u); // the ASID may have been another machine's
    run(machine);
    EXPECT_EQ(script.flushes(), 1u);
    vm::SystemRegisters system = machine.system();
    system.fs_base = 0x7000;
    machine.set_system(system);
    run(machine);
    EXPECT_EQ(script.flushes(), 1u);
    system.cr3 = GuestPhys(0x10000);
    machine.set_system(system);
    run(machine);
    EXPECT_EQ(script.flushes(), 2u);
    EXPECT_EQ(machine.system(), system);
}

TEST_F(MachineTest, ChangedPageTablesOfTheGuestAreFlushed) {
    Machine machine = make();
    run(machine);
    machine.forget_translations();
    run(machine);
    EXPECT_EQ(script.flushes(), 2u);
    run(machine);
    EXPECT_EQ(script.flushes(), 2u);
}

TEST_F(MachineTest, MakingOneFailsCleanlyAtEveryStep) {
    const u64 used = memory.used(), live = heap.live();
    for (u64 step = 0;; ++step) {
        ASSERT_LT(step, 100u);
        memory.fail_after(step);
        auto made = Machine::make(core, memory, memory, heap.allocator(), guest_size);
        const bool failed = memory.failed();
        memory.never_fail();
        ASSERT_EQ(made.ok(), !failed);
        if (made.ok()) break;
        handled(std::move(made));
        ASSERT_EQ(memory.used(), used);
        ASSERT_EQ(heap.live(), live);
        ASSERT_EQ(core.asids().in_use(), 0u);
    }
    EXPECT_EQ(memory.used(), used);
    EXPECT_EQ(core.asids().in_use(), 0u);
}

TEST_F(MachineTest, MoreMachinesThanAsidsAreRefused) {
    std::vector<Machine> machines;
    for (u32 i = 0; i < 15; ++i) machines.push_back(make());
    EXPECT_TRUE(
        fails_with(Machine::make(core, memory, memory, heap.allocator(), guest_size), svm::out_of_asids));
    machines.pop_back();
    EXPECT_TRUE(Machine::make(core, memory, memory, heap.allocator(), guest_size).ok());
}

} // namespace
