// dev/lapic.h — the driver of a local APIC's registers; the kernel sends IPIs by kernel/entry/apic.h.
//
// xAPIC registers are read and written through a mapping that the caller passes in, x2APIC registers as MSRs.
// Each core is in the mode that cpu/settle.h gives it (APM vol 2 chapter 16 "Advanced Programmable Interrupt
// Controller (APIC)").
#pragma once

#include "base/types.h"

namespace dev {

class LocalApic final {
  public:
    constexpr LocalApic() = default;
    // `registers` is an uncached mapping of the APIC's page; unused in x2APIC mode.
    explicit LocalApic(volatile u32 *registers);

    // Physical address of the register page, from the APIC base MSR.
    static u64 physical();

    u32 id() const;
    // Whether interrupts can be sent to that APIC: outside x2APIC mode a destination has eight bits, and 255
    // means all.
    bool reaches(u32 apic_id) const { return x2apic_ || apic_id < 255; }
    // Enables the APIC and masks its local sources; `spurious` is the vector of spurious interrupts.
    void enable(u8 spurious);
    void end_of_interrupt();
    // Whether the vector was delivered here and its end is not announced yet.
    bool in_service(u8 vector) const;

    void send_init(u32 apic_id);
    void send_startup(u32 apic_id, u8 page); // starts at page * 4096 in real mode
    void send(u32 apic_id, u8 vector);
    void send_nmi(u32 apic_id);

    // Counts down from `count` at the bus clock divided by 16, then interrupts with `vector`,
    // periodically.
    void start_timer(u8 vector, u32 count);
    void start_counting(); // one shot, masked: to measure its rate
    u32 remaining() const;
    void stop_timer();

  private:
    u32 read(u32 offset) const;
    void write(u32 offset, u32 value);
    void command(u32 apic_id, u32 low);
    void mask_sources();
    void mask(u32 offset);
    volatile u32 *registers_ = nullptr;
    bool x2apic_ = false;
};

} // namespace dev
