// boot/contract/package.h — the header of a package: loader, stage2, kernel and bundle in one piece, loaded
// at any page.
//
// The image tool fills it in (tools/rl/images/package.py). All offsets are from the header, which is the
// piece's first byte; each part behind the loader begins on a page. Every way in but stage0's has
// this piece.
#pragma once

#include <stddef.h>

#include "base/types.h"

namespace boot {

struct Package {
    static constexpr u32 expected_magic = 0x444C4C52; // "RLLD"

    u8 jump[8]; // the first byte is Linux's 32-bit entry
    u64 build_id;
    u32 magic;
    u32 memory; // bytes from the header to stage2's end, bss and stack included: what must be kept
    u64 stage2, stage2_bytes, stage2_xxh64;
    u64 kernel, kernel_bytes, kernel_xxh64;
    u64 bundle, bundle_bytes, bundle_xxh64;
};
static_assert(sizeof(Package) == 96 && offsetof(Package, build_id) == 8 && offsetof(Package, stage2) == 24);

// The boot protocol by which the loader was entered; each has its own entry point.
enum class Way : u32 { linux_kernel = 1, pvh = 2, multiboot2 = 3, uefi = 4 };

} // namespace boot
