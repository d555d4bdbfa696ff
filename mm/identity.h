// mm/identity.h — physical memory through the identity map: every frame lies at its own address.
//
// Only stage2 uses it, under its temporary tables. The kernel has no identity map.
#pragma once

#include "mm/physical.h"

namespace mm {

class IdentityMemory final {
  public:
    class Pin final {
      public:
        explicit Pin(u8 *bytes) : bytes_(bytes) {}
        Pin(Pin &&) = default;
        Pin &operator=(Pin &&) = default;
        u8 *bytes() { return bytes_; }

      private:
        u8 *bytes_;
    };
    rstate::Result<Pin> pin(Phys page) { return Pin(pointer_to<u8>(Virt(page.value()))); }
};
static_assert(PhysicalMemory<IdentityMemory>);

} // namespace mm
