// cpu/machine_check.h — the machine-check banks of this core: switches them on, reads and clears them.
//
// APM vol 2 chapter 9 "Machine Check Architecture". Each bank watches one part of the processor (a cache, the
// memory controller, a link) and holds its last error until software clears it.
#pragma once

#include "base/bits.h"
#include "cpu/features.h"

namespace cpu {

// MCi_STATUS, APM vol 2 §9.3.2 "Error-Reporting Register Banks"
struct BankStatus {
    using Valid = Bits<63>;
    using Overflow = Bits<62>; // an earlier error was lost
    using Uncorrected = Bits<61>;
    using AddressValid = Bits<58>;
    using ContextCorrupt = Bits<57>;
    using Deferred = Bits<44>; // uncorrected, but the damaged data has not been used yet
    using ErrorCode = Bits<15, 0>;
};

struct BankError {
    u32 bank = 0;
    u64 status = 0;
    u64 address = 0; // 0 unless the status says that it is valid
    bool uncorrected() const { return BankStatus::Uncorrected::test(status); }
};

// The banks of this core; none where CPUID does not list them.
u32 machine_check_banks(const Features &features);
// Switches on every error source of every bank; settle_core switches on the exception (#MC). Errors of an
// earlier boot stay for take_bank.
void enable_machine_checks(const Features &features);
// The bank's error, if it has one; the bank is then clear.
bool take_bank(const Features &features, u32 bank, BankError &error);
// Tells the processor that the #MC has been handled: a second one before that shuts it down.
void end_machine_check();

} // namespace cpu
