// cpu/machine_check.cpp — see machine_check.h.
#include "cpu/machine_check.h"

#include "cpu/ops.h"

namespace cpu {

namespace {

// MCG_CAP, MCG_STATUS, MCG_CTL: APM vol 2 §9.3.1 "Global Status and Control Registers"
constexpr Msr global_capability{0x179}, global_status{0x17A}, global_control{0x17B};
using BankCount = Bits<7, 0>;
using HasGlobalControl = Bits<8>;
constexpr u32 most_banks = 64;

// A bank's registers begin with CTL, STATUS, ADDR: four a bank in the old range, sixteen in that of MCAX,
// which also holds CONFIG.
constexpr u32 control = 0, status = 1, address = 2, configuration = 4;
// MCA_CONFIG[McaX]: the operating system uses the new range.
using UsesNewRange = Bits<32>;

Msr bank_register(const Features &features, u32 bank, u32 which) {
    return static_cast<Msr>(features.scalable_machine_check ? 0xC0002000 + 16 * bank + which
                                                            : 0x400 + 4 * bank + which);
}

} // namespace

u32 machine_check_banks(const Features &features) {
    if (!features.machine_check) return 0;
    return static_cast<u32>(min<u64>(BankCount::get(read_msr(global_capability)), most_banks));
}

// The registers are tried: a bank that the processor does not implement may have none.
void enable_machine_checks(const Features &features) {
    if (!features.machine_check) return;
    if (HasGlobalControl::test(read_msr(global_capability))) write_msr(global_control, ~0ul);
    u64 config = 0;
    for (u32 bank = 0; bank < machine_check_banks(features); ++bank) {
        const Msr configured = bank_register(features, bank, configuration);
        if (features.scalable_machine_check && try_read_msr(configured, config))
            static_cast<void>(try_write_msr(configured, config | UsesNewRange::mask));
        static_cast<void>(try_write_msr(bank_register(features, bank, control), ~0ul));
    }
    end_machine_check();
}

bool take_bank(const Features &features, u32 bank, BankError &error) {
    error = {bank, 0, 0};
    const Msr state = bank_register(features, bank, status);
    if (!try_read_msr(state, error.status) || !BankStatus::Valid::test(error.status)) return false;
    if (BankStatus::AddressValid::test(error.status))
        static_cast<void>(try_read_msr(bank_register(features, bank, address), error.address));
    static_cast<void>(try_write_msr(state, 0));
    return true;
}

// MCIP is the only bit of MCG_STATUS that matters afterwards: all are written as zeros.
void end_machine_check() { write_msr(global_status, 0); }

} // namespace cpu
