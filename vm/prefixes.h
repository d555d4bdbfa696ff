// vm/prefixes.h — the prefixes before an opcode in 64-bit mode: APM vol 3 §1.2 "Instruction Prefixes".
#pragma once

#include "base/span.h"

namespace vm {

// A longer instruction is #GP: APM vol 3 §1.1 "Instruction Encoding Overview".
constexpr u64 max_instruction_bytes = 15;

struct Prefixes {
    u8 count = 0; // bytes before the opcode
    bool operand_size = false, address_size = false, lock = false;
    u8 repeat = 0;  // 0xF2 or 0xF3, the last one counts
    u8 segment = 0; // 0x64 for FS or 0x65 for GS, the last one counts. 64-bit mode ignores the other four.
    u8 rex = 0;

    bool rex_w() const { return (rex & 8) != 0; }
    u8 rex_x() const { return (rex & 2) != 0 ? u8{8} : u8{0}; }
    u8 rex_b() const { return (rex & 1) != 0 ? u8{8} : u8{0}; }
};

// Any number of prefixes, in any order. A REX prefix counts only directly before the opcode; the processor
// ignores any other, so a legacy prefix or another REX behind it cancels it.
constexpr Prefixes read_prefixes(Bytes code) {
    Prefixes p;
    for (; p.count < min<u64>(code.size(), max_instruction_bytes); ++p.count) {
        const u8 byte = code[p.count];
        const bool is_rex = (byte & 0xF0) == 0x40;
        switch (byte) {
        case 0x66:
            p.operand_size = true;
            break;
        case 0x67:
            p.address_size = true;
            break;
        case 0xF0:
            p.lock = true;
            break;
        case 0xF2:
        case 0xF3:
            p.repeat = byte;
            break;
        case 0x64:
        case 0x65:
            p.segment = byte;
            break;
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
            break;
        default:
            if (!is_rex) return p;
        }
        p.rex = is_rex ? byte : u8{0};
    }
    return p;
}

} // namespace vm
