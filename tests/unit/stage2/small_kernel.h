// tests/unit/stage2/small_kernel.h — a kernel's file in small, as the linker would write it.
#pragma once

#include <cstring>
#include <vector>

#include "base/span.h"
#include "tests/sim/elf_builder.h"

namespace sim {

namespace small_kernel {
constexpr u64 rodata = 0x1000, data = 0x2000, dynamic_at = rodata + 0x100, relr_at = rodata + 0x180;
constexpr u32 dt_relrsz = 35, dt_relr = 36;
} // namespace small_kernel

inline void put(std::vector<u8> &bytes, u64 at, u64 value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

// A kernel in small: code, constants with the relocations, data with `pointers` at its start, and a bss.
struct SmallKernel {
    u64 table = small_kernel::relr_at, table_bytes = 16;
    u64 first = small_kernel::data, bitmap = 0b101; // the words at data and data + 8 are pointers
    u32 tag = small_kernel::dt_relr;

    std::vector<u8> build() const {
        using namespace small_kernel;
        std::vector<u8> constants(0x200), variables(0x40);
        put(constants, 0x100, tag), put(constants, 0x108, table);
        put(constants, 0x110, dt_relrsz), put(constants, 0x118, table_bytes);
        put(constants, 0x180, first), put(constants, 0x188, bitmap);
        put(variables, 0, 0x10), put(variables, 8, 0x20), put(variables, 16, 0x1111);
        return ElfBuilder(ElfBuilder::position_independent)
            .load(0, ElfBuilder::read | ElfBuilder::execute, std::vector<u8>(0x300, 0xCC))
            .load(rodata, ElfBuilder::read, constants)
            .load(data, ElfBuilder::read | ElfBuilder::write, variables, 0x2800)
            .inside(2, dynamic_at, 0x30)
            .entry(0x40)
            .stripped()
            .build();
    }
};

} // namespace sim
