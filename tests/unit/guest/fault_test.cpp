// tests/unit/guest/fault_test.cpp — the classification of exceptions, and the decoding of instructions for
// it.
#include "guest/fault.h"

#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;
using guest::Instruction;

constexpr u64 wild = 0x5000'0000, shadow_of_gap = RL_SHADOW_OF(0x4141'4141'4140ul & 0xfff'ffff'ffff);

Instruction decode(std::vector<u8> bytes, const vm::Registers &registers = {}) {
    return guest::decode({bytes.data(), bytes.size()}, registers, 0x1000, 0x2000);
}

vm::Registers numbered() {
    vm::Registers r;
    r.rax = 0x100, r.rcx = 0x200, r.rdx = 0x300, r.rbx = 0x400, r.rsp = 0x500, r.rbp = 0x600, r.rsi = 0x700,
    r.rdi = 0x800;
    r.r8 = 0x8000, r.r12 = 0xc000, r.r13 = 0xd000;
    return r;
}

TEST(Decode, AddressesOfMemoryOperands) {
    const vm::Registers r = numbered();
    struct {
        std::vector<u8> bytes;
        u64 address;
    } const cases[] = {
        {{0x8b, 0x00}, 0x100},                                      // mov eax, [rax]
        {{0x8b, 0x45, 0xf8}, 0x5f8},                                // mov eax, [rbp-8]
        {{0x48, 0x8b, 0x80, 0, 1, 0, 0}, 0x200},                    // mov rax, [rax+0x100]
        {{0x8b, 0x04, 0x24}, 0x500},                                // mov eax, [rsp]
        {{0x8b, 0x44, 0x8b, 0x04}, 0x400 + 4 * 0x200 + 4},          // mov eax, [rbx+rcx*4+4]
        {{0x8b, 0x04, 0x25, 0, 0, 0, 0x80}, 0xffff'ffff'8000'0000}, // mov eax, [disp32]
        {{0x8b, 0x04, 0xcd, 8, 0, 0, 0}, 0x200 * 8 + 8},            // mov eax, [rcx*8+8]
        {{0x41, 0x8b, 0x00}, 0x8000},                               // mov eax, [r8]
        {{0x41, 0x8b, 0x04, 0x24}, 0xc000},                         // mov eax, [r12]
        {{0x41, 0x8b, 0x45, 0x00}, 0xd000},                         // mov eax, [r13]
        {{0x42, 0x8b, 0x04, 0x20}, 0x100 + 0xc000},                 // mov eax, [rax+r12]
        {{0x64, 0x8b, 0x00}, 0x1100},                               // mov eax, fs:[rax]
        {{0x65, 0x8b, 0x00}, 0x2100},                               // mov eax, gs:[rax]
        {{0x0f, 0xb6, 0x00}, 0x100},                                // movzx eax, byte [rax]
        {{0x66, 0x0f, 0x38, 0x17, 0x03}, 0x400},                    // ptest xmm0, [rbx]
        {{0x66, 0x0f, 0x3a, 0x63, 0x03, 0x1a}, 0x400},              // pcmpistri xmm0, [rbx], 26
        {{0xf3, 0x0f, 0x6f, 0x06}, 0x700},                          // movdqu xmm0, [rsi]
        {{0xff, 0x10}, 0x100},                                      // call [rax]
        {{0xf3, 0xa4}, 0x800},                                      // rep movsb: rsi is canonical
        {{0xf3, 0x48, 0xab}, 0x800},                                // rep stosq
        {{0xac}, 0x700},                                            // lodsb
        {{0xd9, 0x00}, 0x100},                                      // fld dword [rax]
    };
    for (const auto &one : cases) {
        const Instruction instruction = decode(one.bytes, r);
        EXPECT_TRUE(instruction.memory) << std::hex << one.address;
        EXPECT_EQ(instruction.address, one.address);
    }
}

TEST(Decode, RegistersAreNoMemory) {
    for (const std::vector<u8> &bytes : {std::vector<u8>{0x8b, 0xc1},
                                         {0x90},
                                         {0x50},
                                         {0xc3},
                                         {0x0f, 0x05},
                                         {0xe8, 0, 0, 0, 0},
                                         {0x8b, 0x05, 1, 2, 3, 4},
                                         {0xb8, 1, 0, 0, 0},
                                         {0x0f, 0x84, 0, 0, 0, 0}})
        EXPECT_FALSE(decode(bytes).memory) << int{bytes[0]};
}

TEST(Decode, ReadsAndWritesOfTheCommonMoves) {
    EXPECT_EQ(decode({0x88, 0x00}).access, vm::Access::write);
    EXPECT_EQ(decode({0x88, 0x00}).size, 1);
    EXPECT_EQ(decode({0x48, 0x89, 0x00}).size, 8);
    EXPECT_EQ(decode({0x66, 0xc7, 0x00, 1, 2}).size, 2);
    EXPECT_EQ(decode({0x8b, 0x00}).access, vm::Access::read);
    EXPECT_EQ(decode({0x8b, 0x00}).size, 4);
    EXPECT_EQ(decode({0x0f, 0xbe, 0x00}).size, 1);
    EXPECT_EQ(decode({0x80, 0x38, 0x00}).access, vm::Access::read) << "cmp byte [rax], 0";
    EXPECT_EQ(decode({0x80, 0x00, 0x01}).access, vm::Access::write) << "add byte [rax], 1";
}

TEST(Decode, TheInstructionsThatAreEmulated) {
    EXPECT_EQ(decode({0x0f, 0x31}).kind, Instruction::Kind::rdtsc);
    EXPECT_EQ(decode({0x0f, 0x31, 0xff}).length, 2);
    EXPECT_EQ(decode({0x0f, 0x01, 0xf9}).kind, Instruction::Kind::rdtscp);
    EXPECT_EQ(decode({0x0f, 0x01, 0xf9}).length, 3);
    EXPECT_EQ(decode({0x0f, 0x0b}).kind, Instruction::Kind::ud2);
    EXPECT_EQ(decode({0xf4}).kind, Instruction::Kind::halt);
    EXPECT_EQ(decode({0xcc}).kind, Instruction::Kind::breakpoint);
    const Instruction check = decode({0x67, 0x0f, 0xb9, 0x40, 0x16});
    EXPECT_EQ(check.kind, Instruction::Kind::ud1);
    EXPECT_EQ(check.check, 0x16);
    EXPECT_EQ(decode({0x0f}).kind, Instruction::Kind::other);
    EXPECT_EQ(decode({}).length, 0);
}

class Explain : public testing::Test {
  protected:
    guest::Fault explain(const vm::Exit &exit, std::vector<u8> bytes = {0x8b, 0x00},
                         const vm::Registers &r = {}) {
        return guest::explain(exit, decode(std::move(bytes), r), loaded.program_file().layout());
    }
    Loaded loaded;
};

TEST_F(Explain, PageFaultsByTheirAddress) {
    struct {
        u64 address;
        rl_kind kind;
        rl_region region;
    } const cases[] = {
        {0, rl_kind_null_dereference, rl_region_null_page},
        {0xffff, rl_kind_null_dereference, rl_region_null_page},
        {0x10000, rl_kind_wild_access, rl_region_wild},
        {guest::stack_bottom - 1, rl_kind_stack_overflow, rl_region_stack_guard},
        {guest::stack_bottom - RL_STACK_GUARD_SIZE, rl_kind_stack_overflow, rl_region_stack_guard},
        {guest::stack_bottom - RL_STACK_GUARD_SIZE - 1, rl_kind_wild_access, rl_region_wild},
        {code, rl_kind_wild_access, rl_region_image},
        {RL_SHADOW_OF(wild), rl_kind_wild_access, rl_region_shadow},
        {wild, rl_kind_wild_access, rl_region_wild},
        {0x7fff'ffff'f000, rl_kind_wild_access, rl_region_wild},
    };
    for (const auto &one : cases) {
        const guest::Fault fault = explain(page_fault(one.address, vm::Access::write), {0x89, 0x00});
        EXPECT_EQ(fault.kind, one.kind) << std::hex << one.address;
        EXPECT_EQ(fault.region, one.region) << std::hex << one.address;
        EXPECT_TRUE(fault.has_address);
        EXPECT_EQ(fault.address, one.address);
        EXPECT_EQ(fault.access, vm::Access::write);
        EXPECT_EQ(fault.size, 4u);
    }
}

TEST_F(Explain, MissingRightsAreNamed) {
    EXPECT_STREQ(explain(page_fault(code, vm::Access::write, true), {0x88, 0x00}).text,
                 "memory that must not be written");
    const guest::Fault run = explain(page_fault(data, vm::Access::execute, true));
    EXPECT_STREQ(run.text, "memory that must not be executed");
    EXPECT_EQ(run.access, vm::Access::execute);
    EXPECT_STREQ(explain(page_fault(wild, vm::Access::execute)).text, "");
}

// cmp byte [rax + 0x7fff8000], 0 is the check before an access.
TEST_F(Explain, AFaultOnShadowMeansTheAddressWhoseShadowItIs) {
    const std::vector<u8> check = {0x80, 0xb8, 0x00, 0x80, 0xff, 0x7f, 0x00};
    const guest::Fault gap = explain(page_fault(shadow_of_gap, vm::Access::read), check);
    EXPECT_EQ(gap.address, 0x141'4141'4140ul);
    EXPECT_EQ(gap.kind, rl_kind_wild_access);
    EXPECT_EQ(gap.access, vm::Access::none) << "a check precedes reads and writes alike";
    const guest::Fault other = explain(page_fault(shadow_of_gap, vm::Access::read));
    EXPECT_EQ(other.address, shadow_of_gap) << "no check: the address itself";
    vm::Registers r;
    r.rax = 0xbebe'bebe'bebe'bebe >> 3;
    const guest::Fault filled = explain(exception(13), check, r);
    EXPECT_EQ(filled.address, 0xbebe'bebe'bebe'beb8);
    EXPECT_EQ(filled.kind, rl_kind_wild_access);
    EXPECT_STREQ(filled.text, "a non-canonical address");
}

TEST_F(Explain, GeneralProtectionByItsInstruction) {
    vm::Registers r;
    r.rax = 0x1234'0000'0000'0000;
    const guest::Fault wild_pointer = explain(exception(13), {0x8b, 0x00}, r);
    EXPECT_EQ(wild_pointer.kind, rl_kind_wild_access);
    EXPECT_EQ(wild_pointer.region, rl_region_wild);
    EXPECT_EQ(wild_pointer.address, r.rax);
    EXPECT_EQ(wild_pointer.access, vm::Access::read);
    r.rax = RL_HEAP_BASE + 1;
    const guest::Fault misaligned = explain(exception(13), {0x0f, 0x29, 0x00}, r);
    EXPECT_EQ(misaligned.kind, rl_kind_other_exception);
    EXPECT_EQ(misaligned.address, r.rax);
    EXPECT_EQ(explain(exception(13), {0xf4}).kind, rl_kind_abort);
    EXPECT_EQ(explain(exception(13), {0xfa}).kind, rl_kind_other_exception) << "cli";
    EXPECT_FALSE(explain(exception(13), {0xfa}).has_address);
}

TEST_F(Explain, TheOtherExceptions) {
    EXPECT_EQ(explain(exception(0)).kind, rl_kind_division_error);
    EXPECT_EQ(explain(exception(3)).kind, rl_kind_breakpoint);
    EXPECT_EQ(explain(exception(6), {0x06}).kind, rl_kind_illegal_instruction);
    EXPECT_EQ(explain(exception(6), {0x0f, 0x0b}).kind, rl_kind_illegal_instruction);
    const guest::Fault overflow = explain(exception(6), {0x67, 0x0f, 0xb9, 0x40, 0x0c});
    EXPECT_EQ(overflow.kind, rl_kind_undefined_behaviour);
    EXPECT_STREQ(overflow.text, "mul-overflow");
    EXPECT_EQ(explain(exception(17)).kind, rl_kind_other_exception);
    for (u8 vector = 0; vector < 32; ++vector) EXPECT_NE(explain(exception(vector)).kind, rl_kind_none);
}

} // namespace
