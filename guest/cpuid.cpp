// guest/cpuid.cpp — see cpuid.h. Leaves and bits: APM vol 3 appendix E "Obtaining Processor Information Via
// the CPUID Instruction".
#include "guest/cpuid.h"

namespace guest {

namespace {

constexpr u32 bit(u32 n) { return 1u << n; }

constexpr u32 vendor_ebx = 0x68747541, vendor_edx = 0x69746e65, vendor_ecx = 0x444d4163; // "AuthenticAMD"
constexpr u32 signature = 0x00800f12;                                                    // family 17h
constexpr u32 last_standard = 0xd, last_extended = 0x80000008;

// Leaf 1 EDX: FPU TSC MSR PAE CX8 SEP PGE CMOV PAT CLFSH MMX FXSR SSE SSE2
constexpr u32 features_edx = bit(0) | bit(4) | bit(5) | bit(6) | bit(8) | bit(11) | bit(13) | bit(15) |
                             bit(16) | bit(19) | bit(23) | bit(24) | bit(25) | bit(26);
// Leaf 1 ECX: SSE3 SSSE3 CMPXCHG16B SSE4.1 SSE4.2 POPCNT
constexpr u32 features_ecx = bit(0) | bit(9) | bit(13) | bit(19) | bit(20) | bit(23);
// Leaf 8000_0001 EDX repeats the first features of leaf 1 and adds SYSCALL NX RDTSCP LM; ECX: LAHF
constexpr u32 repeated =
    bit(0) | bit(4) | bit(5) | bit(6) | bit(8) | bit(13) | bit(15) | bit(16) | bit(23) | bit(24);
constexpr u32 extended_edx = repeated | bit(11) | bit(20) | bit(27) | bit(29);
constexpr u32 extended_ecx = bit(0);

constexpr char brand[48] = "Raclette x86-64-v2";

constexpr u32 brand_word(u32 index) {
    u32 word = 0;
    for (u32 i = 0; i < 4; ++i) word |= static_cast<u32>(static_cast<u8>(brand[index * 4 + i])) << (8 * i);
    return word;
}

constexpr CpuidAnswer brand_part(u32 part) {
    return {brand_word(part * 4), brand_word(part * 4 + 1), brand_word(part * 4 + 2),
            brand_word(part * 4 + 3)};
}

} // namespace

CpuidAnswer cpuid_answer(u32 leaf, u32) {
    switch (leaf) {
    case 0:
        return {last_standard, vendor_ebx, vendor_ecx, vendor_edx};
    case 1: // one logical processor, cache lines of 8 * 8 bytes
        return {signature, 1u << 16 | 8u << 8, features_ecx, features_edx};
    case 0x80000000:
        return {last_extended, vendor_ebx, vendor_ecx, vendor_edx};
    case 0x80000001:
        return {signature, 0, extended_ecx, extended_edx};
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        return brand_part(leaf - 0x80000002);
    // glibc chooses its copy routines by the cache sizes: 32 KiB 8-way first level, 512 KiB 8-way second, 8
    // MiB 16-way third.
    case 0x80000005:
        return {0, 0, 32u << 24 | 8u << 16 | 1u << 8 | 64, 32u << 24 | 8u << 16 | 1u << 8 | 64};
    case 0x80000006:
        return {0, 0, 512u << 16 | 6u << 12 | 1u << 8 | 64, 16u << 18 | 8u << 12 | 1u << 8 | 64};
    case 0x80000008: // 48-bit virtual, 40-bit physical addresses, one core
        return {0x3028, 0, 0, 0};
    default:
        return {};
    }
}

} // namespace guest
