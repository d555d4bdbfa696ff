// mm/formats.h — the bits of a page-table entry, and the two table formats of the page table walk.
//
//   63 62        52 51                       12 11    9 8 7 6 5 4 3 2 1 0
//   NX [available ] [     frame (4 KiB units) ] [avail] G L D A C T U W P     present
//   [                    payload, 60 bits                       ] [kind ] 0     absent: ours alone
//
// Present leaves of the host carry A and D from the start, so the processor never writes to a host table
// and an entry changes only under its lock.
#pragma once

#include "base/addr.h"
#include "base/bits.h"
#include "mm/physical.h"

namespace mm {

// What a mapping allows; reading always.
struct Permissions {
    bool write = false;
    bool execute = false;
    constexpr bool operator==(const Permissions &) const = default;
};
constexpr Permissions read_only{};
constexpr Permissions read_write{true, false};
constexpr Permissions read_execute{false, true};
constexpr Permissions read_write_execute{true, true}; // nested tables only

// Memory types by the PAT's value (cpu/settle.h): PWT and PCD choose among them.
enum class Cache : u8 { write_back = 0, write_combining = 1, uncached = 3 };

struct Entry { // APM vol 2 §5.3 "Long-Mode Page Translation", §15.25.5 "Nested Table Walk"
    u64 raw = 0;
    using Present = Bits<0>;
    using Writable = Bits<1>;
    using User = Bits<2>;
    using CacheType = Bits<4, 3>;
    using Accessed = Bits<5>;
    using Dirty = Bits<6>;
    using Large = Bits<7>;
    using Global = Bits<8>;
    using Software = Bits<11, 9>;
    using Frame = Bits<51, 12>;
    using Available = Bits<62, 52>;
    using NoExecute = Bits<63>;

    // The processor reads nothing of an absent entry but its low bit.
    using Kind = Bits<3, 1>;
    using Payload = Bits<63, 4>;

    constexpr bool empty() const { return raw == 0; }
    constexpr bool present() const { return Present::test(raw); }
    constexpr bool writable() const { return Writable::test(raw); }
    constexpr bool executable() const { return !NoExecute::test(raw); }
    constexpr bool large() const { return Large::test(raw); }
    // Of a level above the last: another table, and not a page.
    constexpr bool is_table() const { return (raw & (Present::mask | Large::mask)) == Present::mask; }
    constexpr bool dirty() const { return Dirty::test(raw); }
    constexpr Phys frame() const { return Phys(raw & Frame::mask); }
    constexpr bool operator==(const Entry &) const = default;
};

constexpr u64 leaf_bits(Phys frame, Permissions allowed, Cache cache) {
    return frame.value() | Entry::Present::make(1) | Entry::Writable::make(allowed.write) |
           Entry::CacheType::make(static_cast<u64>(cache)) | Entry::NoExecute::make(!allowed.execute);
}

// The kernel's own tables: ring 0 alone, nothing both writable and executable.
struct HostFormat {
    using Address = Virt;
    static constexpr u32 levels = 4;
    static constexpr Owner table_owner = Owner::page_table;
    static constexpr bool valid(Virt a) { return is_canonical(a.value()); }
    static constexpr bool allows(Permissions p) { return !(p.write && p.execute); }
    static constexpr Entry table(Phys frame) {
        return {frame.value() | Entry::Present::mask | Entry::Writable::mask | Entry::Accessed::mask};
    }
    static constexpr Entry leaf(Phys frame, Permissions allowed, Cache cache) {
        return {leaf_bits(frame, allowed, cache) | Entry::Accessed::mask | Entry::Dirty::mask};
    }
    // The address that index chain `bits` (48 bits) stands for.
    static constexpr Virt address(u64 bits) {
        return Virt(static_cast<u64>(static_cast<i64>(bits << 16) >> 16));
    }
};

// A guest's physical memory: the processor treats every access through it as a user access, and sets A and D.
struct NestedFormat {
    using Address = GuestPhys;
    static constexpr u32 levels = 4;
    static constexpr Owner table_owner = Owner::nested_table;
    static constexpr bool valid(GuestPhys a) { return a.value() < 1ul << 48; }
    static constexpr bool allows(Permissions) { return true; }
    static constexpr Entry table(Phys frame) {
        return {frame.value() | Entry::Present::mask | Entry::Writable::mask | Entry::User::mask};
    }
    static constexpr Entry leaf(Phys frame, Permissions allowed, Cache cache) {
        return {leaf_bits(frame, allowed, cache) | Entry::User::mask};
    }
    static constexpr GuestPhys address(u64 bits) { return GuestPhys(bits); }
};

} // namespace mm
