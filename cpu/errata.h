// cpu/errata.h — processor errata that a bit in a model-specific register avoids.
#pragma once

#include "cpu/features.h"
#include "cpu/registers.h"

namespace cpu {

// Firmware should have set the bit already; not every firmware has.
struct Erratum {
    const char *name; // AMD's number, or the name by which it is known
    u8 family, first_model, last_model;
    u8 bit;
    Msr msr;
};

// A set of rows of the table: bit n is row n.
struct ErrataResult {
    u32 applied = 0; // the bit is set, now or by the firmware
    u32 refused = 0; // this processor has no such register, or keeps the bit clear
    bool operator==(const ErrataResult &) const = default;
};

// Sets the bits for this core's model. On every core, before it enables SVM.
ErrataResult apply_errata(const Features &features);

constexpr u32 most_errata = 32;
const char *erratum_name(u32 row);

} // namespace cpu
