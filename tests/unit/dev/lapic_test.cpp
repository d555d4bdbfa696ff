// tests/unit/dev/lapic_test.cpp — the local APIC: the same commands through memory and through MSRs.
#include "dev/lapic.h"

#include <vector>

#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

constexpr u64 base = 0xFEE00000, on = 1 << 11, x2apic_on = 1 << 10;
constexpr u32 command_low = 0x300 / 4, command_high = 0x310 / 4;

class Lapic : public testing::Test {
  protected:
    void SetUp() override { sim::reset_cpus(); }
    void TearDown() override { sim::reset_cpus(); }

    dev::LocalApic xapic() {
        sim::cpu().msrs[cpu::Msr::apic_base] = base | on;
        return dev::LocalApic(registers);
    }
    dev::LocalApic x2apic() {
        sim::cpu().msrs[cpu::Msr::apic_base] = base | on | x2apic_on;
        return dev::LocalApic(nullptr);
    }
    static u64 msr(u32 offset) { return sim::cpu().msrs[static_cast<cpu::Msr>(0x800 + offset / 16)]; }
    volatile u32 registers[1024] = {};
};

TEST_F(Lapic, ItsPlaceComesFromTheBaseMsrWithoutTheFlags) {
    xapic();
    EXPECT_EQ(dev::LocalApic::physical(), base);
}

TEST_F(Lapic, TheIdIsInTheHighByteOfTheRegisterButWholeInTheMsr) {
    registers[0x20 / 4] = 7u << 24;
    EXPECT_EQ(xapic().id(), 7u);
    sim::cpu().msrs[static_cast<cpu::Msr>(0x802)] = 0x12345;
    EXPECT_EQ(x2apic().id(), 0x12345u);
}

TEST_F(Lapic, StartupGoesToOneCoreWithThePageAsVector) {
    dev::LocalApic apic = xapic();
    apic.send_startup(3, 8);
    EXPECT_EQ(registers[command_high], 3u << 24);
    EXPECT_EQ(registers[command_low], 0x4608u);
    x2apic().send_startup(0x300, 8);
    EXPECT_EQ(msr(0x300), 0x300ul << 32 | 0x4608);
}

TEST_F(Lapic, InitNmiAndPlainInterruptsHaveTheirDeliveryModes) {
    dev::LocalApic apic = xapic();
    apic.send_init(1);
    EXPECT_EQ(registers[command_low], 0x4500u);
    apic.send_nmi(1);
    EXPECT_EQ(registers[command_low], 0x4400u);
    apic.send(1, 0xF2);
    EXPECT_EQ(registers[command_low], 0x40F2u);
}

TEST_F(Lapic, ACommandThatIsNeverDeliveredDelaysTheNextOnlyForATime) {
    dev::LocalApic apic = xapic();
    registers[command_low] = 1u << 12; // pending
    apic.send_nmi(1);
    EXPECT_EQ(registers[command_low], 0x4400u);
}

TEST_F(Lapic, WithoutX2apicOnlyEightBitsOfAnIdReachACore) {
    EXPECT_TRUE(xapic().reaches(254));
    EXPECT_FALSE(xapic().reaches(255)) << "that is everybody";
    EXPECT_FALSE(xapic().reaches(256)) << "that would be core 0";
    EXPECT_TRUE(x2apic().reaches(256));
}

TEST_F(Lapic, TheTimerRepeatsWithItsVectorOrCountsSilently) {
    dev::LocalApic apic = xapic();
    apic.start_timer(0x40, 5000);
    EXPECT_EQ(registers[0x320 / 4], 1u << 17 | 0x40);
    EXPECT_EQ(registers[0x380 / 4], 5000u);
    apic.start_counting();
    EXPECT_NE(registers[0x320 / 4] & 1u << 16, 0u) << "masked";
    registers[0x390 / 4] = 77;
    EXPECT_EQ(apic.remaining(), 77u);
    apic.start_timer(0x40, 5000);
    apic.stop_timer();
    EXPECT_NE(registers[0x320 / 4] & 1u << 16, 0u) << "masked";
    EXPECT_EQ(registers[0x380 / 4], 0u) << "and counts no more";
}

TEST_F(Lapic, EnablingOpensAllPrioritiesAndNamesTheSpuriousVector) {
    registers[0x80 / 4] = 0xF0;
    xapic().enable(0xFF);
    EXPECT_EQ(registers[0x80 / 4], 0u);
    EXPECT_EQ(registers[0xF0 / 4], 0x1FFu);
}

TEST_F(Lapic, EnablingMasksEveryLocalSourceButAnNmis) {
    registers[0x30 / 4] = 1u << 31 | 6u << 16; // seven entries and extended ones
    registers[0x400 / 4] = 2u << 16;
    for (const u32 offset : {0x2F0u, 0x330u, 0x340u, 0x350u, 0x360u, 0x370u, 0x500u, 0x510u, 0x520u})
        registers[offset / 4] = 0x68;
    registers[0x360 / 4] = 4u << 8;
    xapic().enable(0xFF);
    for (const u32 offset : {0x2F0u, 0x330u, 0x340u, 0x350u, 0x370u, 0x500u, 0x510u})
        EXPECT_EQ(registers[offset / 4], 0x10068u) << std::hex << offset;
    EXPECT_EQ(registers[0x360 / 4], 4u << 8) << "the board's way to say that memory is damaged";
    EXPECT_EQ(registers[0x520 / 4], 0x68u) << "there is no such entry";
}

TEST_F(Lapic, AnEntryThatTheVersionDoesNotListIsNotTouched) {
    registers[0x30 / 4] = 3u << 16;
    for (const u32 offset : {0x2F0u, 0x330u, 0x340u}) registers[offset / 4] = 0x68;
    xapic().enable(0xFF);
    for (const u32 offset : {0x2F0u, 0x330u, 0x340u})
        EXPECT_EQ(registers[offset / 4], 0x68u) << std::hex << offset;
}

TEST_F(Lapic, AVectorIsInServiceUntilItsEnd) {
    registers[0x130 / 4] = 1u << 8; // vector 68h
    EXPECT_TRUE(xapic().in_service(0x68));
    EXPECT_FALSE(xapic().in_service(0x69));
    EXPECT_FALSE(xapic().in_service(0x48));
}

} // namespace
