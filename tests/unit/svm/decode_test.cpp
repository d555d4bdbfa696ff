// tests/unit/svm/decode_test.cpp — every exit code has one meaning.
#include "svm/decode.h"

#include <cstring>
#include <memory>

#include "svm/codes.h"
#include "svm/exit_codes.h"
#include "svm/instruction.h"
#include "tests/sim/test.h"
#include "vm/codes.h"

namespace {

using svm::Action;
using svm::ExitCode;
using vm::Access;
using vm::ExitKind;

struct Decoded {
    Action action;
    vm::Exit exit;
};

Decoded decode(u64 code, u64 info1 = 0, u64 info2 = 0, u8 cpl = 3) {
    const auto vmcb = std::make_unique<svm::Vmcb>();
    vmcb->control.exit_code = code;
    vmcb->control.exit_info1 = info1, vmcb->control.exit_info2 = info2;
    vmcb->save.cpl = cpl;
    Decoded decoded;
    decoded.action = svm::decode_exit(*vmcb, decoded.exit).take();
    return decoded;
}
Decoded decode(ExitCode code, u64 info1 = 0, u64 info2 = 0, u8 cpl = 3) {
    return decode(static_cast<u64>(code), info1, info2, cpl);
}

TEST(Decode, EachCodeHasItsKindAndName) {
    struct Case {
        ExitCode code;
        ExitKind kind;
        const char *what;
    };
    constexpr Case cases[] = {
        {ExitCode::vmmcall, ExitKind::hypercall, "VMMCALL"},
        {ExitCode::cpuid, ExitKind::cpuid, "CPUID"},
        {ExitCode::hlt, ExitKind::halt, "HLT"},
        {ExitCode::shutdown, ExitKind::shutdown, "shutdown"},
        {ExitCode::msr, ExitKind::msr, "RDMSR/WRMSR"},
        {ExitCode::ioio, ExitKind::io, "IN/OUT"},
        {ExitCode::icebp, ExitKind::exception, "ICEBP"},
        {ExitCode::cr_read_0, ExitKind::other, "CR read"},
        {ExitCode::cr_write_0, ExitKind::other, "CR write"},
        {ExitCode::dr_read_0, ExitKind::other, "DR read"},
        {ExitCode::dr_write_0, ExitKind::other, "DR write"},
        {ExitCode::init, ExitKind::other, "INIT"},
        {ExitCode::idtr_read, ExitKind::other, "SIDT"},
        {ExitCode::gdtr_read, ExitKind::other, "SGDT"},
        {ExitCode::ldtr_read, ExitKind::other, "SLDT"},
        {ExitCode::tr_read, ExitKind::other, "STR"},
        {ExitCode::rdtsc, ExitKind::time_stamp, "RDTSC"},
        {ExitCode::rdpmc, ExitKind::other, "RDPMC"},
        {ExitCode::iret, ExitKind::other, "IRET"},
        {ExitCode::invd, ExitKind::other, "INVD"},
        {ExitCode::invlpg, ExitKind::other, "INVLPG"},
        {ExitCode::task_switch, ExitKind::other, "task switch"},
        {ExitCode::vmrun, ExitKind::other, "VMRUN"},
        {ExitCode::skinit, ExitKind::other, "SKINIT"},
        {ExitCode::rdtscp, ExitKind::time_stamp, "RDTSCP"},
        {ExitCode::wbinvd, ExitKind::other, "WBINVD"},
        {ExitCode::monitor, ExitKind::other, "MONITOR"},
        {ExitCode::mwait_conditional, ExitKind::other, "MWAIT"},
        {ExitCode::xsetbv, ExitKind::other, "XSETBV"},
        {ExitCode::rdpru, ExitKind::other, "RDPRU"},
    };
    for (const Case &c : cases) {
        const Decoded decoded = decode(c.code);
        EXPECT_EQ(decoded.action, Action::deliver) << c.what;
        EXPECT_EQ(decoded.exit.kind, c.kind) << c.what;
        EXPECT_STREQ(decoded.exit.what, c.what);
    }
}

TEST(Decode, HostInterruptsAreTicks) {
    for (const ExitCode code : {ExitCode::intr, ExitCode::nmi, ExitCode::smi})
        EXPECT_EQ(decode(code).action, Action::tick);
}

TEST(Decode, ExceptionsCarryVectorErrorCodeAndAddress) {
    for (u8 vector = 0; vector < 32; ++vector) {
        if (vector == 18) continue; // the machine check below
        const Decoded d = decode(0x40ul + vector, 0x18, 0x1234);
        EXPECT_EQ(d.exit.kind, ExitKind::exception);
        EXPECT_EQ(d.exit.vector, vector);
        EXPECT_EQ(d.exit.error_code, 0x18u);
        EXPECT_EQ(d.exit.address, vector == 14 ? 0x1234u : 0u); // only a page fault has one
    }
    EXPECT_STREQ(decode(0x40).exit.what, "#DE");
    EXPECT_STREQ(decode(0x46).exit.what, "#UD");
    EXPECT_STREQ(decode(0x4D).exit.what, "#GP");
    EXPECT_STREQ(decode(0x5E).exit.what, "#SX");
    EXPECT_EQ(decode(0x4E, 4).exit.access, Access::read);
    EXPECT_EQ(decode(0x4E, 6).exit.access, Access::write);
    EXPECT_EQ(decode(0x4E, 0x14).exit.access, Access::execute);
}

TEST(Decode, AMachineCheckIsTheHostsTroubleNotTheGuests) {
    const auto vmcb = std::make_unique<svm::Vmcb>();
    vmcb->control.exit_code = 0x52;
    vm::Exit exit;
    EXPECT_TRUE(fails_with(svm::decode_exit(*vmcb, exit), svm::machine_check));
}

TEST(Decode, NestedFaultsCarryAddressAndAccessAsTheEmulatorsGiveThem) {
    struct Case {
        u64 info1;
        Access access;
    };
    constexpr Case cases[] = {{0x1'0000'0004, Access::read},    {0x1'0000'0006, Access::write},
                              {0x1'0000'0007, Access::write},   {0x1'0000'0014, Access::execute},
                              {0x1'0000'0015, Access::execute}, {0x2'0000'0006, Access::write}};
    for (const Case &c : cases) {
        const Decoded d = decode(ExitCode::nested_page_fault, c.info1, 0xABC123);
        EXPECT_EQ(d.action, Action::new_page);
        EXPECT_EQ(d.exit.address, 0xABC123u);
        EXPECT_EQ(d.exit.access, c.access);
    }
}

TEST(Decode, PortsAndMsrsSayWhatWasWanted) {
    const Decoded in = decode(ExitCode::ioio, 0x03F8'0000 | 1 << 6 | 1, 0x401000); // 32-bit IN
    EXPECT_EQ(in.exit.access, Access::read);
    EXPECT_EQ(in.exit.port, 0x3F8);
    EXPECT_EQ(in.exit.access_size, 4);
    const Decoded out = decode(ExitCode::ioio, 0x0080'0000 | 1 << 4);
    EXPECT_EQ(out.exit.access, Access::write);
    EXPECT_EQ(out.exit.access_size, 1);
    EXPECT_EQ(decode(ExitCode::msr, 0).exit.access, Access::read);
    EXPECT_EQ(decode(ExitCode::msr, 1).exit.access, Access::write);
}

TEST(Decode, TheGuestsPrivilegeTellsASystemCallFromAHypercall) {
    EXPECT_EQ(decode(ExitCode::vmmcall, 0, 0, 3).exit.privilege, vm::Privilege::user);
    EXPECT_EQ(decode(ExitCode::vmmcall, 0, 0, 0).exit.privilege, vm::Privilege::supervisor);
}

TEST(Decode, UnknownCodesAreErrors) {
    const auto vmcb = std::make_unique<svm::Vmcb>();
    vm::Exit exit;
    for (const u64 code : {0x8Ful, 0xA3ul, 0x3FFul, 0x401ul, 0x1'0000'0081ul}) {
        vmcb->control.exit_code = code;
        EXPECT_TRUE(fails_with(svm::decode_exit(*vmcb, exit), svm::unknown_exit)) << code;
    }
}

TEST(Decode, InvalidIsRecognisedInBothWidths) {
    EXPECT_TRUE(svm::is_invalid(~0ul));
    EXPECT_TRUE(svm::is_invalid(0xFFFF'FFFF));
    EXPECT_FALSE(svm::is_invalid(0x81));
    EXPECT_FALSE(svm::is_invalid(~0ul - 1));
}

u32 length(ExitCode code, std::initializer_list<u8> bytes) {
    return svm::instruction_length(static_cast<u64>(code), {bytes.begin(), bytes.size()}).take();
}
bool unexpected(ExitCode code, std::initializer_list<u8> bytes) {
    return fails_with(svm::instruction_length(static_cast<u64>(code), {bytes.begin(), bytes.size()}),
                      vm::unexpected_instruction);
}

TEST(InstructionLength, KnowsEachInstruction) {
    EXPECT_EQ(length(ExitCode::cpuid, {0x0F, 0xA2, 0x90}), 2u);
    EXPECT_EQ(length(ExitCode::hlt, {0xF4}), 1u);
    EXPECT_EQ(length(ExitCode::msr, {0x0F, 0x32}), 2u);
    EXPECT_EQ(length(ExitCode::msr, {0x0F, 0x30}), 2u);
    EXPECT_EQ(length(ExitCode::vmmcall, {0x0F, 0x01, 0xD9}), 3u);
    EXPECT_EQ(length(ExitCode::rdtsc, {0x0F, 0x31}), 2u);
    EXPECT_EQ(length(ExitCode::rdtscp, {0x0F, 0x01, 0xF9}), 3u);
    EXPECT_EQ(length(ExitCode::icebp, {0xF1}), 1u);
}

TEST(InstructionLength, CountsPrefixes) {
    EXPECT_EQ(length(ExitCode::cpuid, {0x66, 0x2E, 0x48, 0x0F, 0xA2}), 5u);
    EXPECT_EQ(length(ExitCode::rdtsc, {0xF2, 0x0F, 0x31}), 3u);
    EXPECT_EQ(length(ExitCode::pause, {0xF3, 0x90}), 2u);
    EXPECT_EQ(length(ExitCode::cpuid, {0x48, 0x66, 0x0F, 0xA2}), 4u); // an ignored REX
    EXPECT_EQ(length(ExitCode::cpuid, {0x48, 0x48, 0x0F, 0xA2}), 4u);
    EXPECT_EQ(length(ExitCode::vmmcall, {0x48, 0x66, 0x0F, 0x01, 0xD9}), 5u);
    EXPECT_EQ(length(ExitCode::cpuid, {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                       0x48, 0x0F, 0xA2}),
              15u);
}

TEST(InstructionLength, AnythingElseIsAnError) {
    EXPECT_TRUE(unexpected(ExitCode::cpuid, {0x0F, 0x31}));
    EXPECT_TRUE(unexpected(ExitCode::cpuid, {0x0F}));
    EXPECT_TRUE(unexpected(ExitCode::cpuid, {}));
    EXPECT_TRUE(unexpected(ExitCode::cpuid, {0xF0, 0x0F, 0xA2})); // #UD, but not on every emulator
    EXPECT_TRUE(unexpected(ExitCode::vmmcall, {0x66, 0xF0, 0x48, 0x0F, 0x01, 0xD9}));
    EXPECT_TRUE(unexpected(ExitCode::cpuid, {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                             0x66, 0x66, 0x66, 0x0F, 0xA2})); // sixteen bytes
    EXPECT_TRUE(unexpected(ExitCode::shutdown, {0xF4}));
}

} // namespace
