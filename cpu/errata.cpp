// cpu/errata.cpp — see errata.h.
//
// The rows are those that can change what this kernel or a target computes, or stop the machine, with the
// instructions that they use. Left out: what concerns XSAVES (1386), AVIC (1235), performance counters
// (1054), CPUID's boost bit (1076) and C-states (1474), which are not used here, and what leaks data between
// owners, since one machine has one owner here. Sources: AMD's revision guides 41322 (family 10h), 44739
// (12h), 51810 (16h), 55449 (17h models 00h to 0Fh), 57095 (19h models 10h to 1Fh), and what Linux, FreeBSD
// and Xen apply.
#include "cpu/errata.h"

#include "cpu/ops.h"

namespace cpu {

namespace {

constexpr Erratum errata[] = {
    // Many pushes and calls, or pops and returns, can give a wrong stack pointer.
    {"721", 0x10, 0x00, 0xFF, 0, Msr::decode_configuration},
    {"721", 0x12, 0x00, 0xFF, 0, Msr::decode_configuration},
    {"665", 0x12, 0x00, 0xFF, 31, Msr::decode_configuration}, // DIV and IDIV can give a wrong result
    // Writes to write-combining memory, as the framebuffer is, and locked instructions can stop the core.
    {"793", 0x16, 0x00, 0x0F, 15, Msr::load_store_configuration},
    {"1021", 0x17, 0x01, 0x01, 13, Msr::decode_configuration},        // a load can see stale data
    {"1033", 0x17, 0x01, 0x01, 4, Msr::load_store_configuration},     // a locked instruction can hang
    {"1049", 0x17, 0x01, 0x01, 4, Msr::floating_point_configuration}, // FCMOV can go wrong
    {"1095", 0x17, 0x01, 0x01, 57, Msr::load_store_configuration},    // locked reads out of order, with SMT
    // A mispredicted VZEROUPPER leaves a vector register with a wrong upper half. Newer microcode repairs it,
    // too; the bit does so with any microcode.
    {"Zenbleed", 0x17, 0x30, 0x4F, 9, Msr::decode_configuration},
    {"Zenbleed", 0x17, 0x60, 0x7F, 9, Msr::decode_configuration},
    {"Zenbleed", 0x17, 0x90, 0x91, 9, Msr::decode_configuration},
    {"Zenbleed", 0x17, 0xA0, 0xAF, 9, Msr::decode_configuration},
    // A spurious #UD, with SMT on and STIBP off: a false "illegal instruction", or a panic.
    {"1485", 0x19, 0x10, 0x1F, 5, Msr::branch_predictor_configuration},
    {"1485", 0x19, 0x60, 0xAF, 5, Msr::branch_predictor_configuration},
};
constexpr u32 count = sizeof errata / sizeof errata[0];
static_assert(count <= most_errata);

bool concerns(const Erratum &erratum, const Features &features) {
    return erratum.family == features.family && features.model >= erratum.first_model &&
           features.model <= erratum.last_model;
}

bool apply(const Erratum &erratum) {
    const u64 bit = 1ul << erratum.bit;
    u64 value = 0;
    if (!try_read_msr(erratum.msr, value)) return false;
    if ((value & bit) != 0) return true;
    return try_write_msr(erratum.msr, value | bit) && try_read_msr(erratum.msr, value) && (value & bit) != 0;
}

} // namespace

// Under a hypervisor these registers are the host's, which applies them; most hypervisors have none of them.
// An emulator that does not say it is one may have none either: then the #GP is caught and the row is
// refused.
ErrataResult apply_errata(const Features &features) {
    ErrataResult result;
    if (!features.amd || features.hypervisor) return result;
    for (u32 row = 0; row < count; ++row)
        if (concerns(errata[row], features))
            (apply(errata[row]) ? result.applied : result.refused) |= 1u << row;
    return result;
}

const char *erratum_name(u32 row) { return row < count ? errata[row].name : ""; }

} // namespace cpu
