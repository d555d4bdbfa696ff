// tests/unit/guest/instruction_test.cpp — our two decoders against Zydis, a complete disassembler, on
// generated instructions with any prefixes in any order.
#include "guest/instruction.h"

#include <Zydis/Zydis.h>

#include <random>
#include <vector>

#include "svm/exit_codes.h"
#include "svm/instruction.h"
#include "tests/sim/test.h"

namespace {

using guest::Instruction;

constexpr u64 fs_base = 0x7'0000'1000, gs_base = 0x9'0000'2000;
constexpr u8 prefix_bytes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};

using Code = std::vector<u8>;

class Generator {
  public:
    Code prefixes(u32 most) {
        Code code;
        for (u32 n = number(most + 1); n > 0; --n)
            code.push_back(number(3) == 0 ? static_cast<u8>(0x40 + number(16))
                                          : prefix_bytes[number(sizeof(prefix_bytes))]);
        return code;
    }
    Code any() {
        Code code = prefixes(4);
        switch (number(4)) {
        case 0:
            code.push_back(0x0f);
            break;
        case 1:
            code.push_back(number(2) == 0 ? u8{0xc4} : u8{0xc5});
            break;
        default:
            break;
        }
        while (code.size() < vm::max_instruction_bytes) code.push_back(static_cast<u8>(number(256)));
        return code;
    }
    vm::Registers registers() {
        vm::Registers r;
        for (u64 *one : {&r.rax, &r.rbx, &r.rcx, &r.rdx, &r.rsi, &r.rdi, &r.rbp, &r.rsp, &r.r8, &r.r9, &r.r10,
                         &r.r11, &r.r12, &r.r13, &r.r14, &r.r15})
            *one = random_() & 0x3fff'ffff'ffff;
        return r;
    }

  private:
    u32 number(u32 below) { return static_cast<u32>(random_() % below); }
    std::mt19937_64 random_{1};
};

struct Disassembled {
    bool ok = false;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};
Disassembled disassemble(const Code &code) {
    static const ZydisDecoder decoder = [] {
        ZydisDecoder made;
        ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        return made;
    }();
    Disassembled out;
    out.ok = ZYAN_SUCCESS(
        ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &out.instruction, out.operands));
    return out;
}

std::string hex(const Code &code) {
    std::string text;
    for (const u8 byte : code)
        text += "0123456789abcdef"[byte >> 4], text += "0123456789abcdef"[byte & 15], text += ' ';
    return text;
}

u64 value_of(ZydisRegister name, const vm::Registers &r) {
    if (name == ZYDIS_REGISTER_NONE) return 0;
    const u64 values[] = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
                          r.r8,  r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
    const auto id = static_cast<u8>(ZydisRegisterGetId(name));
    return values[id & 15];
}
u64 address_of(const Disassembled &d, const ZydisDecodedOperand &operand, const vm::Registers &r) {
    const auto &memory = operand.mem;
    u64 address = value_of(memory.base, r);
    if (memory.index != ZYDIS_REGISTER_NONE) address += value_of(memory.index, r) * max(memory.scale, u8{1});
    if (memory.disp.has_displacement) address += static_cast<u64>(memory.disp.value);
    if (d.instruction.mnemonic == ZYDIS_MNEMONIC_XLAT) address += r.rax & 0xff; // Zydis leaves AL out
    if (d.instruction.address_width == 32) address &= 0xffff'ffff;
    return address + (memory.segment == ZYDIS_REGISTER_FS   ? fs_base
                      : memory.segment == ZYDIS_REGISTER_GS ? gs_base
                                                            : 0);
}

bool is_rip(ZydisRegister name) { return name == ZYDIS_REGISTER_RIP || name == ZYDIS_REGISTER_EIP; }
bool is_memory(const ZydisDecodedOperand &operand, ZydisMemoryOperandType type) {
    return operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type == type;
}
// Operands that our decoder gives an address to: the accesses but those relative to RIP and those of the
// stack.
bool counts(const ZydisDecodedOperand &operand) {
    if (!is_memory(operand, ZYDIS_MEMOP_TYPE_MEM) || is_rip(operand.mem.base)) return false;
    return operand.visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN || operand.mem.segment != ZYDIS_REGISTER_SS;
}
// Operands of which we compute no address, or of which Zydis says nothing.
bool is_special(const ZydisDecodedOperand &operand) {
    return is_memory(operand, ZYDIS_MEMOP_TYPE_AGEN) || is_memory(operand, ZYDIS_MEMOP_TYPE_MIB) ||
           is_memory(operand, ZYDIS_MEMOP_TYPE_VSIB);
}
// Of other makers, or with vectors that the guest does not have: they are #UD.
bool not_in_a_guest(const ZydisDecodedInstruction &instruction) {
    if (instruction.mnemonic == ZYDIS_MNEMONIC_JKZD || instruction.mnemonic == ZYDIS_MNEMONIC_JKNZD)
        return true;
    return instruction.meta.isa_ext == ZYDIS_ISA_EXT_MPX ||
           instruction.meta.isa_ext == ZYDIS_ISA_EXT_PADLOCK ||
           instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ||
           instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_XOP ||
           instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX;
}

TEST(InstructionAgainstZydis, AddressesOfMemoryOperands) {
    Generator generate;
    u32 decoded = 0, with_memory = 0;
    for (u32 i = 0; i < 400'000; ++i) {
        const Code code = generate.any();
        const vm::Registers r = generate.registers();
        const Disassembled d = disassemble(code);
        if (!d.ok || not_in_a_guest(d.instruction)) continue;
        ++decoded;
        const Instruction ours = guest::decode({code.data(), d.instruction.length}, r, fs_base, gs_base);
        bool any = false, same = false, skipped = false;
        for (u32 n = 0; n < d.instruction.operand_count; ++n) {
            const ZydisDecodedOperand &operand = d.operands[n];
            skipped |= is_special(operand);
            if (!counts(operand)) continue;
            any = true;
            if (ours.memory && address_of(d, operand, r) == ours.address) {
                same = true;
                const bool writes = (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
                if (ours.access == vm::Access::write) EXPECT_TRUE(writes) << hex(code);
                if (ours.access == vm::Access::read)
                    EXPECT_NE(operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ, 0) << hex(code);
                if (ours.size != 0) EXPECT_EQ(ours.size * 8, operand.size) << hex(code);
            }
        }
        if (skipped || ours.kind == Instruction::Kind::ud1) continue;
        with_memory += any;
        EXPECT_EQ(ours.memory, any) << hex(code) << ZydisMnemonicGetString(d.instruction.mnemonic);
        EXPECT_EQ(any, same) << hex(code) << ZydisMnemonicGetString(d.instruction.mnemonic);
    }
    EXPECT_GT(decoded, 100'000u);
    EXPECT_GT(with_memory, 30'000u);
}

struct Skipped {
    Code opcode;
    svm::ExitCode exit;
    ZydisMnemonic name;
};
const Skipped skipped_instructions[] = {
    {{0x0f, 0xa2}, svm::ExitCode::cpuid, ZYDIS_MNEMONIC_CPUID},
    {{0x0f, 0x01, 0xd9}, svm::ExitCode::vmmcall, ZYDIS_MNEMONIC_VMMCALL},
    {{0x0f, 0x31}, svm::ExitCode::rdtsc, ZYDIS_MNEMONIC_RDTSC},
    {{0x0f, 0x01, 0xf9}, svm::ExitCode::rdtscp, ZYDIS_MNEMONIC_RDTSCP},
    {{0x0f, 0x33}, svm::ExitCode::rdpmc, ZYDIS_MNEMONIC_RDPMC},
    {{0xf4}, svm::ExitCode::hlt, ZYDIS_MNEMONIC_HLT},
    {{0x0f, 0x32}, svm::ExitCode::msr, ZYDIS_MNEMONIC_RDMSR},
    {{0x0f, 0x30}, svm::ExitCode::msr, ZYDIS_MNEMONIC_WRMSR},
    {{0x0f, 0x09}, svm::ExitCode::wbinvd, ZYDIS_MNEMONIC_WBINVD},
    {{0x0f, 0x08}, svm::ExitCode::invd, ZYDIS_MNEMONIC_INVD},
    {{0xf1}, svm::ExitCode::icebp, ZYDIS_MNEMONIC_INT1},
};

// Where Zydis says that it is the instruction, both decoders agree on it and on its length; where Zydis says
// that the processor refuses it for its LOCK or its length, both refuse it.
TEST(InstructionAgainstZydis, LengthsBehindAnyPrefixes) {
    Generator generate;
    u32 decoded = 0, refused = 0;
    for (u32 i = 0; i < 60'000; ++i) {
        const Skipped &one = skipped_instructions[i % std::size(skipped_instructions)];
        Code code = generate.prefixes(14);
        const bool locked = std::find(code.begin(), code.end(), 0xf0) != code.end();
        code.insert(code.end(), one.opcode.begin(), one.opcode.end());
        const bool too_long = code.size() > vm::max_instruction_bytes;
        const u64 length = code.size();
        code.resize(vm::max_instruction_bytes, 0x90);
        const Disassembled d = disassemble(code);
        auto measured = svm::instruction_length(static_cast<u64>(one.exit), {code.data(), code.size()});
        const Instruction ours = guest::decode({code.data(), code.size()}, {}, 0, 0);
        const bool time_stamp = one.exit == svm::ExitCode::rdtsc || one.exit == svm::ExitCode::rdtscp;
        if (locked || too_long) {
            EXPECT_FALSE(d.ok && d.instruction.mnemonic == one.name) << hex(code);
            EXPECT_FALSE(measured.ok()) << hex(code);
            EXPECT_TRUE(!time_stamp || ours.locked || ours.kind == Instruction::Kind::other) << hex(code);
            rstate::handled(std::move(measured));
            ++refused;
            continue;
        }
        ASSERT_TRUE(measured.ok()) << hex(code);
        EXPECT_EQ(measured.value(), length) << hex(code);
        if (time_stamp) EXPECT_EQ(ours.length, length) << hex(code);
        if (!d.ok) continue; // Zydis refuses some prefixes that processors ignore
        EXPECT_EQ(d.instruction.mnemonic, one.name) << hex(code);
        EXPECT_EQ(d.instruction.length, length) << hex(code);
        ++decoded;
    }
    EXPECT_GT(decoded, 10'000u);
    EXPECT_GT(refused, 10'000u);
}

} // namespace
