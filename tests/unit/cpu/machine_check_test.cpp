// tests/unit/cpu/machine_check_test.cpp — the banks, old and scalable: switched on, read, cleared.
#include "cpu/machine_check.h"

#include "cpu/ops.h"
#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

using cpu::Msr;

constexpr u64 valid = 1ul << 63, uncorrected = 1ul << 61, with_address = 1ul << 58;

struct MachineCheck : testing::Test {
    MachineCheck() {
        sim::reset_cpus();
        features.machine_check = true;
        msr(0x179) = 1 << 8 | 6; // a global control register, six banks
    }
    ~MachineCheck() override { sim::reset_cpus(); }
    static u64 &msr(u32 number) { return sim::cpu().msrs[static_cast<Msr>(number)]; }
    cpu::Features features;
};

TEST_F(MachineCheck, EachBankIsSwitchedOnAndKeepsWhatItHolds) {
    msr(0x401 + 4 * 5) = valid | 7;
    cpu::enable_machine_checks(features);
    EXPECT_EQ(msr(0x17B), ~0ul);
    for (u32 bank = 0; bank < 6; ++bank) EXPECT_EQ(msr(0x400 + 4 * bank), ~0ul) << bank;
    EXPECT_EQ(msr(0x400 + 4 * 6), 0u) << "there is no such bank";
    EXPECT_EQ(msr(0x401 + 4 * 5), valid | 7);
    EXPECT_EQ(msr(0x17A), 0u);
}

TEST_F(MachineCheck, ScalableBanksHaveTheirOwnRangeAndAreToldSo) {
    features.scalable_machine_check = true;
    msr(0xC0002000 + 16 * 3 + 4) = 1;
    cpu::enable_machine_checks(features);
    EXPECT_EQ(msr(0xC0002000 + 16 * 3), ~0ul);
    EXPECT_EQ(msr(0xC0002000 + 16 * 3 + 4), 1ul << 32 | 1);
    EXPECT_EQ(msr(0x400 + 4 * 3), 0u);
    msr(0xC0002001 + 16 * 3) = valid | uncorrected | with_address;
    msr(0xC0002002 + 16 * 3) = 0x1234000;
    cpu::BankError error;
    ASSERT_TRUE(cpu::take_bank(features, 3, error));
    EXPECT_EQ(error.bank, 3u);
    EXPECT_EQ(error.address, 0x1234000u);
    EXPECT_TRUE(error.uncorrected());
}

TEST_F(MachineCheck, AnErrorIsTakenOnce) {
    msr(0x401 + 4 * 2) = valid | 0x100;
    msr(0x402 + 4 * 2) = 0x5000;
    cpu::BankError error;
    ASSERT_TRUE(cpu::take_bank(features, 2, error));
    EXPECT_EQ(error.status, valid | 0x100);
    EXPECT_EQ(error.address, 0u) << "the status does not say that it is valid";
    EXPECT_FALSE(error.uncorrected());
    EXPECT_FALSE(cpu::take_bank(features, 2, error));
}

TEST_F(MachineCheck, ABankWithoutRegistersHasNoErrorAndRaisesNone) {
    for (const u32 number : {0x400u, 0x401u}) sim::cpu().absent.insert(static_cast<Msr>(number));
    cpu::enable_machine_checks(features);
    cpu::BankError error;
    EXPECT_FALSE(cpu::take_bank(features, 0, error));
}

TEST_F(MachineCheck, AProcessorWithoutMachineChecksHasNoBank) {
    features.machine_check = false;
    for (const u32 number : {0x179u, 0x17Au, 0x17Bu}) sim::cpu().absent.insert(static_cast<Msr>(number));
    EXPECT_EQ(cpu::machine_check_banks(features), 0u);
    cpu::enable_machine_checks(features);
    EXPECT_EQ(msr(0x400), 0u);
}

} // namespace
