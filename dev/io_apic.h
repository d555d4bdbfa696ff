// dev/io_apic.h — an I/O APIC: its redirection entries, which turn interrupt lines of devices into vectors.
//
// No device's interrupt is used here, so every entry is masked before interrupts are on: what the firmware
// left unmasked would arrive at any time, with the firmware's vector. Intel 82093AA datasheet §3 "Register
// Description", to which every later one is compatible.
#pragma once

#include "base/types.h"

namespace dev {

class IoApic final {
  public:
    constexpr IoApic() = default;
    // `registers` is an uncached mapping of its registers.
    explicit IoApic(volatile u32 *registers) : registers_(registers) {}

    // 0 when nothing answers there.
    u32 entries() const;
    void mask(u32 entry);
    void mask_all();
    // The first unmasked entry with that vector; entries() when there is none.
    u32 find(u8 vector) const;

  private:
    u32 read(u32 index) const;
    void write(u32 index, u32 value);

    volatile u32 *registers_ = nullptr;
};

} // namespace dev
