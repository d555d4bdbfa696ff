// guest/instruction.cpp — see instruction.h. Encodings: APM vol 3 §1.2 "Instruction Encoding" and appendix A
// "Opcode and Operand Encodings".
#include "guest/instruction.h"

namespace guest {

namespace {

using vm::Prefixes;

// Reads bytes in order; a read behind the end returns zero and sets ran_short.
class Reader {
  public:
    Reader(Bytes code, u64 at) : code_(code), at_(at) {}
    u8 next() {
        if (at_ < code_.size()) return code_[at_++];
        short_ = true;
        return 0;
    }
    u8 peek() const { return at_ < code_.size() ? code_[at_] : u8{0}; }
    u64 signed_value(u32 bytes) {
        u64 value = 0;
        for (u32 i = 0; i < bytes; ++i) value |= u64{next()} << (8 * i);
        const u32 unused = 64 - 8 * bytes;
        return static_cast<u64>(static_cast<i64>(value << unused) >> unused);
    }
    u64 at() const { return at_; }
    bool ran_short() const { return short_; }

  private:
    Bytes code_;
    u64 at_;
    bool short_ = false;
};

u64 general(const vm::Registers &r, u32 number) {
    const u64 values[] = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
                          r.r8,  r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
    return values[number & 15];
}

// The registers and bases from which the address of a memory operand is computed.
struct State {
    const vm::Registers &r;
    u64 fs_base, gs_base;
};

// ES, CS, SS and DS have the base zero in 64-bit mode.
u64 segment_base(const Prefixes &p, const State &state) {
    return p.segment == 0x64 ? state.fs_base : p.segment == 0x65 ? state.gs_base : 0;
}
u64 cut(u64 address, const Prefixes &p) { return p.address_size ? address & 0xffff'ffff : address; }

// Whether an opcode of the first map has a ModRM byte.
bool has_modrm(u8 opcode) {
    if (opcode < 0x40) return (opcode & 7) < 4;
    if (opcode >= 0x80 && opcode <= 0x8f) return true;
    if (opcode >= 0xd8 && opcode <= 0xdf) return true;
    switch (opcode) {
    case 0x63:
    case 0x69:
    case 0x6b:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xc7:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xf6:
    case 0xf7:
    case 0xfe:
    case 0xff:
        return true;
    default:
        return false;
    }
}

// The same for the second map, behind 0F.
bool has_modrm_0f(u8 opcode) {
    if (opcode >= 0x30 && opcode <= 0x37) return false;
    if (opcode >= 0x80 && opcode <= 0x8f) return false;
    if (opcode >= 0xc8 && opcode <= 0xcf) return false;
    switch (opcode) {
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x0b:
    case 0x0e:
    case 0x77:
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa8:
    case 0xa9:
    case 0xaa:
        return false;
    default:
        return true;
    }
}

u8 operand_size(const Prefixes &p) { return p.rex_w() ? 8 : p.operand_size ? 2 : 4; }

// Access and size of the commonest moves and comparisons of the first map.
void classify(Instruction &result, u8 opcode, u8 extension, const Prefixes &p) {
    const u8 size = (opcode & 1) == 0 ? u8{1} : operand_size(p);
    const auto is = [&](vm::Access access, u8 bytes) { result.access = access, result.size = bytes; };
    switch (opcode) {
    case 0x88:
    case 0x89:
    case 0xc6:
    case 0xc7:
        return is(vm::Access::write, size);
    case 0x8a:
    case 0x8b:
    case 0x38:
    case 0x39:
    case 0x3a:
    case 0x3b:
    case 0x84:
    case 0x85:
        return is(vm::Access::read, size);
    case 0x63:
        return is(vm::Access::read, 4);
    case 0x80:
    case 0x81:
    case 0x83:
        return is(extension == 7 ? vm::Access::read : vm::Access::write, size);
    default:
        return;
    }
}

void classify_0f(Instruction &result, u8 opcode) {
    const auto is = [&](vm::Access access, u8 bytes) { result.access = access, result.size = bytes; };
    switch (opcode) {
    case 0xb6:
    case 0xbe:
        return is(vm::Access::read, 1);
    case 0xb7:
    case 0xbf:
        return is(vm::Access::read, 2);
    case 0x10:
    case 0x28:
    case 0x6f:
        return is(vm::Access::read, 0);
    case 0x11:
    case 0x29:
    case 0x7f:
    case 0x2b:
    case 0xe7:
        return is(vm::Access::write, 0);
    default:
        return;
    }
}

// Address of a ModRM memory operand. `modrm` is not of the register form.
void read_operand(Instruction &result, Reader &code, u8 modrm, const Prefixes &p, const State &state) {
    const u8 mode = modrm >> 6, rm = modrm & 7;
    u64 address = 0;
    bool no_base = false, rip_relative = false;
    if (rm == 4) {
        const u8 sib = code.next();
        const u8 index = static_cast<u8>((sib >> 3 & 7) | p.rex_x()), base = sib & 7;
        if (index != 4) address += general(state.r, index) << (sib >> 6);
        no_base = base == 5 && mode == 0;
        if (!no_base) address += general(state.r, base | p.rex_b());
    } else if (rm == 5 && mode == 0) {
        rip_relative = true;
    } else {
        address += general(state.r, rm | p.rex_b());
    }
    const u32 bytes = mode == 1 ? 1 : mode == 2 || no_base || rip_relative ? 4 : 0;
    if (bytes != 0) result.displacement = code.signed_value(bytes);
    if (rip_relative)
        return; // never the faulting operand, since it is near the code; the address needs the instruction's
                // length
    address += result.displacement;
    result.address = cut(address, p) + segment_base(p, state);
    result.memory = true;
}

// Instructions whose memory operand is not in a ModRM byte: strings, XLAT, and moves with a 64-bit address.
void implicit_operand(Instruction &result, Reader &code, u8 opcode, const Prefixes &p, const State &state) {
    const u64 base = segment_base(p, state); // of RSI; RDI is always relative to ES
    const u64 rsi = cut(state.r.rsi, p) + base, rdi = cut(state.r.rdi, p);
    const auto is = [&](u64 address, vm::Access access) {
        result.memory = true, result.address = address, result.access = access;
    };
    switch (opcode) {
    case 0xaa:
    case 0xab:
    case 0x6c:
    case 0x6d:
        return is(rdi, vm::Access::write);
    case 0xa4:
    case 0xa5: // of the two operands, the non-canonical one
        return is_canonical(rsi) ? is(rdi, vm::Access::write) : is(rsi, vm::Access::read);
    case 0xac:
    case 0xad:
    case 0x6e:
    case 0x6f:
        return is(rsi, vm::Access::read);
    case 0xa6:
    case 0xa7:
        return is(is_canonical(rsi) ? rdi : rsi, vm::Access::read);
    case 0xae:
    case 0xaf:
        return is(rdi, vm::Access::read);
    case 0xd7:
        return is(cut(state.r.rbx + (state.r.rax & 0xff), p) + base, vm::Access::read);
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3:
        return is(cut(code.signed_value(p.address_size ? 4 : 8), p) + base,
                  opcode < 0xa2 ? vm::Access::read : vm::Access::write);
    default:
        return;
    }
}

// Stack accesses that no operand names. Only a stack pointer that is not canonical makes them fault without
// a page fault; with any other, a fault of these instructions means something else.
void stack_operand(Instruction &result, u8 opcode, u8 opcode_0f, const vm::Registers &r) {
    const auto is = [&](u64 address, vm::Access access) {
        if (is_canonical(address)) return;
        result.memory = true, result.address = address, result.access = access;
    };
    const bool pushes = (opcode >= 0x50 && opcode <= 0x57) || opcode == 0x68 || opcode == 0x6a ||
                        opcode == 0x9c || opcode == 0xe8 || opcode == 0xc8 || opcode_0f == 0xa0 ||
                        opcode_0f == 0xa8;
    const bool pops = (opcode >= 0x58 && opcode <= 0x5f) || opcode == 0xc2 || opcode == 0xc3 ||
                      opcode == 0x9d || opcode_0f == 0xa1 || opcode_0f == 0xa9;
    if (pushes) return is(r.rsp - 8, vm::Access::write);
    if (pops) return is(r.rsp, vm::Access::read);
    if (opcode == 0xc9) return is(r.rbp, vm::Access::read);
}

void decode_0f(Instruction &result, Reader &code, const Prefixes &p, const State &state) {
    const u8 opcode = code.next();
    if (opcode == 0x31) result.kind = Instruction::Kind::rdtsc;
    if (opcode == 0x0b) result.kind = Instruction::Kind::ud2;
    if (opcode == 0x01 && code.peek() == 0xf9) {
        static_cast<void>(code.next());
        result.kind = Instruction::Kind::rdtscp;
        return;
    }
    const bool ud1 = opcode == 0xb9;
    if (opcode == 0x38 || opcode == 0x3a)
        static_cast<void>(code.next());
    else if (!has_modrm_0f(opcode))
        return stack_operand(result, 0, opcode, state.r);
    else
        classify_0f(result, opcode);
    const u8 modrm = code.next();
    if (opcode == 0xf7) { // MASKMOVQ and MASKMOVDQU write where RDI points
        result.memory = true, result.access = vm::Access::write;
        result.address = cut(state.r.rdi, p) + segment_base(p, state);
    }
    const bool registers_only = opcode >= 0x20 && opcode <= 0x23; // MOV of control and debug registers
    if (modrm >> 6 != 3 && !registers_only) read_operand(result, code, modrm, p, state);
    if (ud1) {
        result.kind = Instruction::Kind::ud1;
        result.check = static_cast<u8>(result.displacement);
        result.memory = false;
    }
}

// The VEX prefix has REX's bits, inverted, and names the opcode map. APM vol 3 §1.2.7 "VEX and XOP Prefixes".
// Guests have no AVX, but the instructions for bit manipulation have this form too.
void decode_vex(Instruction &result, Reader &code, u8 first, Prefixes p, const State &state) {
    constexpr u8 map_0f = 1, vzero = 0x77;
    u8 map = map_0f;
    p.rex = 0;
    if (first == 0xc4) {
        const u8 byte = code.next();
        map = byte & 0x1f;
        p.rex = static_cast<u8>(~byte >> 5 & 7);
    }
    static_cast<void>(code.next()); // W, a register, the vector's length, the operand size
    const u8 opcode = code.next();
    if (map == map_0f && opcode == vzero) return;
    const u8 modrm = code.next();
    if (modrm >> 6 != 3) read_operand(result, code, modrm, p, state);
}

} // namespace

Instruction decode(Bytes bytes, const vm::Registers &r, u64 fs_base, u64 gs_base) {
    const State state{r, fs_base, gs_base};
    const Prefixes p = vm::read_prefixes(bytes);
    Instruction result;
    result.locked = p.lock;
    Reader code(bytes.first(min(bytes.size(), vm::max_instruction_bytes)), p.count);
    const u8 opcode = code.next();
    if (opcode == 0x0f) {
        decode_0f(result, code, p, state);
    } else if (opcode == 0xc4 || opcode == 0xc5) {
        decode_vex(result, code, opcode, p, state);
    } else if (opcode == 0xf4) {
        result.kind = Instruction::Kind::halt;
    } else if (opcode == 0xcc) {
        result.kind = Instruction::Kind::breakpoint;
    } else if (has_modrm(opcode)) {
        const u8 modrm = code.next();
        classify(result, opcode, modrm >> 3 & 7, p);
        if (modrm >> 6 != 3) read_operand(result, code, modrm, p, state);
    } else {
        implicit_operand(result, code, opcode, p, state);
        stack_operand(result, opcode, 0, r);
    }
    result.length = static_cast<u8>(code.at());
    return code.ran_short() ? Instruction{} : result;
}

} // namespace guest
