// tests/unit/cpu/settle_test.cpp — a core with everything dirty that firmware can leave dirty, and the
// errata.
#include "cpu/settle.h"

#include <string>
#include <vector>

#include "cpu/ops.h"
#include "tests/sim/cpu.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

using cpu::Msr;

constexpr u64 apic_base = 0xFEE00000, apic_on = 1 << 11, x2apic_on = 1 << 10;
constexpr u64 ffxsr = 1 << 14, syscall_on = 1, long_mode = 1 << 8 | 1 << 10, no_execute = 1 << 11;

cpu::Features zen(u32 family, u32 model) {
    cpu::Features f;
    f.amd = f.x2apic = f.smep = f.smap = f.umip = f.machine_check = f.spec_ctrl = f.tsc_aux = true;
    f.family = family, f.model = model;
    sim::set_cpuid(1, {0, 0, 1u << 21, 0});
    return f;
}

struct Settle : testing::Test {
    Settle() { sim::reset_cpus(); }
    ~Settle() override { sim::reset_cpus(); }

    static u64 &msr(Msr which) { return sim::cpu().msrs[which]; }
    static void make_dirty() {
        sim::Cpu &core = sim::cpu();
        core.cr0 &= ~(1ul << 16);
        core.cr4 = 1 << 5 | 1 << 9 | 1 << 3 | 1 << 8; // DE and PCE too
        core.dr7 = 0x4AA;
        msr(Msr::efer) = long_mode | ffxsr | syscall_on | 1ul << 21;
        msr(Msr::pat) = 0x0606'0606'0606'0606;
        msr(Msr::spec_ctrl) = 7;
        msr(Msr::tsc_aux) = 0x1234;
        msr(Msr::debug_ctl) = 3;
        msr(Msr::apic_base) = apic_base | apic_on | 1 << 8;
    }
    static std::vector<std::string> names(u32 rows) {
        std::vector<std::string> found;
        for (u32 row = 0; row < cpu::most_errata; ++row)
            if ((rows >> row & 1) != 0) found.emplace_back(cpu::erratum_name(row));
        return found;
    }
};
using Names = std::vector<std::string>;

TEST_F(Settle, EveryRegisterThatFirmwareLeftDirtyGetsItsKnownValue) {
    make_dirty();
    cpu::settle_core(zen(0x19, 0x01));
    const sim::Cpu &core = sim::cpu();
    EXPECT_EQ(core.cr4, 1u << 5 | 1u << 6 | 1u << 9 | 1u << 11 | 1u << 20 | 1u << 21);
    EXPECT_EQ(core.cr0 >> 16 & 1, 1u);
    EXPECT_EQ(core.dr7, 0x400u);
    EXPECT_EQ(msr(Msr::efer), long_mode | no_execute);
    EXPECT_EQ(msr(Msr::pat), cpu::pat_value);
    EXPECT_EQ(msr(Msr::spec_ctrl), 0u);
    EXPECT_EQ(msr(Msr::tsc_aux), 0u);
    EXPECT_EQ(msr(Msr::debug_ctl), 0u);
    EXPECT_EQ(msr(Msr::apic_base), apic_base | apic_on | x2apic_on | 1 << 8);
}

TEST_F(Settle, TwoCoresThatArriveDifferentlyAreThenTheSame) {
    make_dirty();
    cpu::settle_core(zen(0x19, 0x01));
    const sim::Cpu first = sim::cpu();
    const sim::AsCore as(1);
    sim::cpu().msrs[Msr::apic_base] = apic_base | apic_on;
    cpu::settle_core(zen(0x19, 0x01));
    const sim::Cpu &second = sim::cpu();
    EXPECT_EQ(first.cr4, second.cr4);
    EXPECT_EQ(first.dr7, second.dr7);
    for (const Msr which : {Msr::efer, Msr::pat, Msr::spec_ctrl, Msr::tsc_aux, Msr::debug_ctl})
        EXPECT_EQ(first.msrs.at(which), second.msrs.at(which)) << static_cast<u32>(which);
}

TEST_F(Settle, AnotherPatDropsWhatCachesAndTlbHoldUnderTheOldOne) {
    make_dirty();
    const u64 flushes = sim::cpu().flushes;
    cpu::settle_core(zen(0x19, 0x01));
    EXPECT_EQ(sim::cpu().flushes, flushes + 1);
    EXPECT_EQ(sim::cpu().cache_flushes, 1u);
    cpu::settle_core(zen(0x19, 0x01));
    EXPECT_EQ(sim::cpu().cache_flushes, 1u) << "it is the same now";
}

// The page table entry's PWT, PCD: what mm/formats.h calls write_back, write_combining and uncached.
TEST_F(Settle, ThePatHasTheTypesThatPageTablesAskFor) {
    EXPECT_EQ(cpu::pat_value & 0xFF, 6u);
    EXPECT_EQ(cpu::pat_value >> 8 & 0xFF, 1u);
    EXPECT_EQ(cpu::pat_value >> 24 & 0xFF, 0u);
}

TEST_F(Settle, ARegisterThatCpuidDoesNotListIsNeverTouched) {
    cpu::Features plain = zen(0x10, 0x02);
    plain.x2apic = plain.smep = plain.smap = plain.umip = plain.machine_check = plain.spec_ctrl =
        plain.tsc_aux = false;
    plain.hypervisor = true;
    sim::set_cpuid(1, {});
    sim::cpu().absent = {Msr::spec_ctrl, Msr::tsc_aux};
    msr(Msr::apic_base) = apic_base | apic_on;
    cpu::settle_core(plain);
    EXPECT_EQ(sim::cpu().cr4, 1u << 5 | 1u << 9);
    EXPECT_EQ(msr(Msr::apic_base), apic_base | apic_on);
}

TEST_F(Settle, X2apicModeThatFirmwareSwitchedOnStaysOnWhatCpuidSays) {
    msr(Msr::apic_base) = apic_base | apic_on | x2apic_on;
    cpu::enable_x2apic();
    EXPECT_EQ(msr(Msr::apic_base), apic_base | apic_on | x2apic_on);
}

TEST_F(Settle, ErrataAreChosenByFamilyAndModel) {
    const struct {
        u32 family, model;
        Names expected;
    } cases[] = {
        {0x10, 0x04, {"721"}},      {0x12, 0x01, {"721", "665"}},
        {0x16, 0x00, {"793"}},      {0x16, 0x30, {}},
        {0x17, 0x08, {}},           {0x17, 0x01, {"1021", "1033", "1049", "1095"}},
        {0x17, 0x31, {"Zenbleed"}}, {0x17, 0x71, {"Zenbleed"}},
        {0x17, 0x50, {}},           {0x17, 0x92, {}},
        {0x19, 0x01, {}},           {0x19, 0x21, {}},
        {0x19, 0x11, {"1485"}},     {0x19, 0x61, {"1485"}},
        {0x19, 0xAF, {"1485"}},     {0x1A, 0x11, {}},
    };
    for (const auto &one : cases)
        EXPECT_EQ(names(cpu::apply_errata(zen(one.family, one.model)).applied), one.expected)
            << std::hex << one.family << " " << one.model;
}

TEST_F(Settle, AnErratumsBitIsSetAndNoOtherOneChanges) {
    msr(Msr::branch_predictor_configuration) = 0xF0F0'0000'0000'0010;
    const cpu::ErrataResult result = cpu::settle_core(zen(0x19, 0x11));
    EXPECT_EQ(names(result.applied), Names{"1485"});
    EXPECT_EQ(msr(Msr::branch_predictor_configuration), 0xF0F0'0000'0000'0030u);
}

TEST_F(Settle, TwoErrataInOneRegisterKeepEachOthersBit) {
    cpu::settle_core(zen(0x17, 0x01));
    EXPECT_EQ(msr(Msr::load_store_configuration), 1ul << 57 | 1 << 4);
    EXPECT_EQ(msr(Msr::decode_configuration), 1ul << 13);
}

TEST_F(Settle, AModelSpecificRegisterThatIsNotThereIsReportedAndNoFault) {
    sim::cpu().absent = {Msr::branch_predictor_configuration};
    const cpu::ErrataResult result = cpu::settle_core(zen(0x19, 0x11));
    EXPECT_EQ(result.applied, 0u);
    EXPECT_EQ(names(result.refused), Names{"1485"});
}

TEST_F(Settle, ARegisterThatKeepsTheBitClearIsReported) {
    sim::cpu().fixed = {Msr::decode_configuration};
    const cpu::ErrataResult result = cpu::settle_core(zen(0x17, 0x71));
    EXPECT_EQ(names(result.refused), Names{"Zenbleed"});
}

TEST_F(Settle, AVirtualProcessorAndOneOfAnotherMakerKeepTheirRegisters) {
    for (const Msr which : {Msr::branch_predictor_configuration, Msr::decode_configuration})
        sim::cpu().absent.insert(which);
    cpu::Features f = zen(0x19, 0x11);
    f.hypervisor = true;
    EXPECT_EQ(cpu::settle_core(f), cpu::ErrataResult{});
    f.hypervisor = false, f.amd = false;
    EXPECT_EQ(cpu::settle_core(f), cpu::ErrataResult{});
}

TEST_F(Settle, ModelAndMachineCheckAreReadFromCpuid) {
    sim::set_cpuid(0, {7, 0x68747541, 0x444D4163, 0x69746E65});
    sim::set_cpuid(1, {0x00A60F12, 0, 1u << 31, 1u << 7 | 1u << 14}); // family 19h, model 61h
    sim::set_cpuid(7, {0, 0, 1u << 22, 0});
    sim::set_cpuid(0x80000000, {0x80000008, 0, 0, 0});
    sim::set_cpuid(0x80000007, {0, 1u << 3, 0, 0});
    sim::set_cpuid(0x80000008, {48, 1u << 15, 0, 0});
    const cpu::Features f = cpu::Features::read();
    EXPECT_EQ(f.family, 0x19u);
    EXPECT_EQ(f.model, 0x61u);
    EXPECT_TRUE(f.hypervisor && f.machine_check && f.scalable_machine_check && f.spec_ctrl && f.tsc_aux);
    sim::set_cpuid(1, {0x00000663, 0, 0, 0});
    EXPECT_EQ(cpu::Features::read().family, 6u);
    EXPECT_EQ(cpu::Features::read().model, 6u);
}

} // namespace
