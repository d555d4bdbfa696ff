// dev/io_apic.cpp — see io_apic.h. Two registers in memory reach all others: the index, then the data.
#include "dev/io_apic.h"

#include "base/bits.h"

namespace dev {

namespace {

constexpr u32 index_register = 0, data_register = 0x10 / 4;
constexpr u32 version = 1, redirection = 0x10; // two registers an entry, the lower half first
using LastEntry = Bits<23, 16>;
using EntryVector = Bits<7, 0>;
using EntryMasked = Bits<16>;

} // namespace

u32 IoApic::read(u32 index) const {
    registers_[index_register] = index;
    return registers_[data_register];
}

void IoApic::write(u32 index, u32 value) {
    registers_[index_register] = index;
    registers_[data_register] = value;
}

u32 IoApic::entries() const {
    if (registers_ == nullptr) return 0;
    const u32 found = read(version);
    return found == ~0u || found == 0 ? 0 : static_cast<u32>(LastEntry::get(found)) + 1;
}

void IoApic::mask(u32 entry) {
    const u32 at = redirection + 2 * entry;
    write(at, read(at) | static_cast<u32>(EntryMasked::mask));
}

void IoApic::mask_all() {
    for (u32 entry = entries(); entry != 0; --entry) mask(entry - 1);
}

u32 IoApic::find(u8 vector) const {
    const u32 count = entries();
    u32 entry = 0;
    for (; entry < count; ++entry) {
        const u32 low = read(redirection + 2 * entry);
        if (!EntryMasked::test(low) && EntryVector::get(low) == vector) break;
    }
    return entry;
}

} // namespace dev
