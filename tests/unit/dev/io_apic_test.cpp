// tests/unit/dev/io_apic_test.cpp — an I/O APIC whose entries firmware left unmasked.
//
// Its two registers are memory here, so an index selects nothing: what is tested is which entries are asked
// for.
#include "dev/io_apic.h"

#include "tests/sim/test.h"

namespace {

TEST(IoApic, WhereNothingAnswersThereIsNoEntry) {
    volatile u32 absent[8];
    for (volatile u32 &word : absent) word = ~0u;
    EXPECT_EQ(dev::IoApic(absent).entries(), 0u);
    EXPECT_EQ(dev::IoApic(nullptr).entries(), 0u);
    dev::IoApic(absent).mask_all();
    EXPECT_EQ(absent[4], ~0u);
}

TEST(IoApic, TheLastEntrysNumberIsInTheVersion) {
    volatile u32 registers[8] = {};
    registers[4] = 0x00170020;
    EXPECT_EQ(dev::IoApic(registers).entries(), 24u);
    EXPECT_EQ(registers[0], 1u);
}

TEST(IoApic, MaskingSetsOneBitOfTheLowerHalfAndNoOther) {
    volatile u32 registers[8] = {};
    registers[4] = 0x0000A968;
    dev::IoApic(registers).mask(2);
    EXPECT_EQ(registers[0], 0x14u);
    EXPECT_EQ(registers[4], 0x0001A968u);
}

} // namespace
