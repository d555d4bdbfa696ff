// stage2/relocate.cpp — stage2 relocates its own data to the load address, before it uses any pointer in it.
#include "boot/formats/relr.h"

// Called by entry.asm, linked at 0: what is added to each pointer is the load address.
extern "C" void stage2_relocate(u8 *base, const u64 *relr, const u64 *relr_end) {
    boot::for_each_relr({relr, static_cast<usize>(relr_end - relr)}, [base](u64 offset) {
        *reinterpret_cast<u64 *>(base + offset) += reinterpret_cast<u64>(base);
    });
}
