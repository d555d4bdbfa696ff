// base/addr.h — the four address spaces of a hypervisor, as four types that never mix.
//
//   GuestVirt --guest's tables--> GuestPhys --nested tables--> Phys <--host's tables-- Virt
//
// A translation is the only way from one to another.
#pragma once

#include "base/types.h"

template <class Space> class Addr {
  public:
    constexpr Addr() = default;
    constexpr explicit Addr(u64 value) : value_(value) {}

    constexpr u64 value() const { return value_; }
    constexpr u64 offset() const { return value_ & (page_size - 1); }
    constexpr u64 frame_number() const { return value_ / page_size; }
    constexpr Addr page() const { return Addr(align_down(value_, page_size)); }
    constexpr bool page_aligned() const { return offset() == 0; }

    constexpr Addr operator+(u64 bytes) const { return Addr(value_ + bytes); }
    constexpr Addr operator-(u64 bytes) const { return Addr(value_ - bytes); }
    constexpr u64 operator-(Addr other) const { return value_ - other.value_; }
    constexpr Addr &operator+=(u64 bytes) { return *this = *this + bytes; }

    constexpr bool operator==(const Addr &) const = default;
    // NOLINTNEXTLINE(modernize-use-nullptr): the compiler writes a 0 of its own here
    constexpr auto operator<=>(const Addr &) const = default;

  private:
    u64 value_ = 0;
};

using Phys = Addr<struct HostPhysSpace>;
using Virt = Addr<struct HostVirtSpace>;
using GuestPhys = Addr<struct GuestPhysSpace>;
using GuestVirt = Addr<struct GuestVirtSpace>;

// Bits 63..47 of a virtual address are equal (APM vol 2 §5.3.1 "Canonical Address Form").
constexpr bool is_canonical(u64 address) {
    return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address;
}

// The kernel's own pointers are host virtual addresses.
inline Virt virt_of(const void *pointer) { return Virt(reinterpret_cast<u64>(pointer)); }
template <class T> T *pointer_to(Virt address) { return reinterpret_cast<T *>(address.value()); }
