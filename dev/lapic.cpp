// dev/lapic.cpp — see lapic.h. Offsets: APM vol 2 §16.3.2 "APIC Registers".
#include "dev/lapic.h"

#include "base/bits.h"
#include "cpu/ops.h"

namespace dev {

namespace {
constexpr u32 apic_id = 0x20, version = 0x30, in_service_bits = 0x100, extended_features = 0x400,
              extended_vectors = 0x500;
constexpr u32 cmci_vector = 0x2F0, thermal_vector = 0x330, counter_vector = 0x340, lint0_vector = 0x350,
              lint1_vector = 0x360, error_vector = 0x370;
constexpr u32 task_priority = 0x80, eoi = 0xB0, spurious_vector = 0xF0, command_low = 0x300,
              command_high = 0x310, timer_vector = 0x320, timer_initial = 0x380, timer_current = 0x390,
              timer_divide = 0x3E0;
constexpr u32 software_enable = 1 << 8, timer_masked = 1 << 16, timer_periodic = 1 << 17, divide_by_16 = 3;
constexpr u32 source_masked = 1 << 16;
using DeliveryMode = Bits<10, 8>;
constexpr u64 nmi_delivery = 4;
using LastVector = Bits<23, 16>;
using HasExtended = Bits<31>;
using ExtendedCount = Bits<23, 16>;
constexpr u32 patience = 1'000'000; // reads; a delivery takes far fewer
constexpr u32 delivery_pending = 1 << 12, level_assert = 1 << 14;
constexpr u32 deliver_nmi = 4 << 8, deliver_init = 5 << 8, deliver_startup = 6 << 8;
using cpu::ApicBase;
} // namespace

u64 LocalApic::physical() { return cpu::read_msr(cpu::Msr::apic_base) & ApicBase::Address::mask; }

LocalApic::LocalApic(volatile u32 *registers)
    : registers_(registers), x2apic_(ApicBase::X2apicEnable::test(cpu::read_msr(cpu::Msr::apic_base))) {}

// In x2APIC mode register n * 16 is MSR 800h + n (APM vol 2 §16.11 "Accessing x2APIC Register").
u32 LocalApic::read(u32 offset) const {
    if (x2apic_) return static_cast<u32>(cpu::read_msr(static_cast<cpu::Msr>(0x800 + offset / 16)));
    return registers_[offset / 4];
}

void LocalApic::write(u32 offset, u32 value) {
    if (x2apic_)
        cpu::write_msr(static_cast<cpu::Msr>(0x800 + offset / 16), value);
    else
        registers_[offset / 4] = value;
}

u32 LocalApic::id() const { return x2apic_ ? read(apic_id) : read(apic_id) >> 24; }

// A source that is set up to raise an NMI stays: by it the board reports that memory or a bus is damaged,
// which must not be missed.
void LocalApic::mask(u32 offset) {
    const u32 now = read(offset);
    if (DeliveryMode::get(now) != nmi_delivery) write(offset, now | source_masked);
}

// Local vector table, APM vol 2 §16.4 "Local Interrupts". The version register says which entries there are;
// with its highest bit set, AMD's extended entries follow.
void LocalApic::mask_sources() {
    const u32 found = read(version);
    const u64 last = LastVector::get(found);
    for (const u32 offset : {lint0_vector, lint1_vector, error_vector}) mask(offset);
    if (last >= 4) mask(counter_vector);
    if (last >= 5) mask(thermal_vector);
    if (last >= 6) mask(cmci_vector);
    if (!HasExtended::test(found)) return;
    const u64 count = ExtendedCount::get(read(extended_features));
    for (u32 i = 0; i < count; ++i) mask(extended_vectors + 16 * i);
}

bool LocalApic::in_service(u8 vector) const {
    return (read(in_service_bits + vector / 32 * 16u) >> vector % 32 & 1) != 0;
}

void LocalApic::enable(u8 spurious) {
    mask_sources();
    write(task_priority, 0);
    write(spurious_vector, software_enable | spurious);
}

void LocalApic::end_of_interrupt() { write(eoi, 0); }

void LocalApic::command(u32 destination, u32 low) {
    if (x2apic_) {
        cpu::write_msr(static_cast<cpu::Msr>(0x800 + command_low / 16),
                       static_cast<u64>(destination) << 32 | low);
        return;
    }
    // Callers have interrupts off: an interrupt between the two writes must not send another command. A
    // command that is not delivered after so many reads is replaced. APM vol 2 §16.5 "Interprocessor
    // Interrupts (IPI)".
    for (u32 left = patience; left != 0 && (read(command_low) & delivery_pending) != 0; --left) cpu::pause();
    write(command_high, destination << 24);
    write(command_low, low);
}

void LocalApic::send_init(u32 destination) { command(destination, deliver_init | level_assert); }
void LocalApic::send_startup(u32 destination, u8 page) {
    command(destination, deliver_startup | level_assert | page);
}
void LocalApic::send(u32 destination, u8 vector) { command(destination, level_assert | vector); }
void LocalApic::send_nmi(u32 destination) { command(destination, deliver_nmi | level_assert); }

void LocalApic::start_timer(u8 vector, u32 count) {
    write(timer_divide, divide_by_16);
    write(timer_vector, timer_periodic | vector);
    write(timer_initial, count);
}

void LocalApic::start_counting() {
    write(timer_divide, divide_by_16);
    write(timer_vector, timer_masked);
    write(timer_initial, ~0u);
}

// A count of zero stops the timer (APM vol 2 §16.4.1 "APIC Timer Interrupt").
void LocalApic::stop_timer() {
    write(timer_vector, timer_masked);
    write(timer_initial, 0);
}

u32 LocalApic::remaining() const { return read(timer_current); }

} // namespace dev
