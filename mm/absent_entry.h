// mm/absent_entry.h — what a page-table entry holds while its page is absent.
//
// With the present bit clear the processor reads nothing else of an entry (APM vol 2 §5.4.1 "Field
// Definitions"), so the other 63 bits are the kernel's:
//
//   63                    24 23 22       4 3    1 0
//   [ key, or frame number  ] C [   id   ] [kind] 0       id: of the range's record (mm/records.h)
//                                                         C: the frame is a pager's (copy-on-write)
#pragma once

#include "mm/formats.h"

namespace mm {

enum class AbsentKind : u8 {
    none,
    reserved,  // belongs to a range; its owner may map here with the range's key
    guard,     // the guard page before or behind a range: never mapped
    freed,     // belonged to a range that was freed
    lazy,      // the range's pager fills it at the first access
    unmapping, // just unmapped; a core may still use the frame, whose number is kept here
    window,    // a window slot that maps nothing
};

struct AbsentBits {
    using Kind = Bits<3, 1>;
    using Id = Bits<22, 4>;
    using CopyOnWrite = Bits<23>;
    using Key = Bits<63, 24>;
};
static_assert(!Entry::Present::test(AbsentBits::Kind::mask | AbsentBits::Id::mask |
                                    AbsentBits::CopyOnWrite::mask | AbsentBits::Key::mask),
              "an absent entry is never present");
static_assert(static_cast<u64>(AbsentKind::window) <= AbsentBits::Kind::mask >> 1, "a kind fits its field");
constexpr u64 key_mask = (1ul << AbsentBits::Key::width) - 1;
constexpr u32 max_record_id = (1u << AbsentBits::Id::width) - 1;

constexpr Entry absent_entry(AbsentKind kind, u32 id = 0, u64 key = 0) {
    return {AbsentBits::Kind::make(static_cast<u64>(kind)) | AbsentBits::Id::make(id) |
            AbsentBits::Key::make(key)};
}
constexpr AbsentKind absent_kind(Entry entry) {
    return entry.present() ? AbsentKind::none : static_cast<AbsentKind>(AbsentBits::Kind::get(entry.raw));
}
constexpr u32 id_of(Entry entry) { return static_cast<u32>(AbsentBits::Id::get(entry.raw)); }

// Copy-on-write: set in a present leaf of a lazy range whose frame is the pager's, mapped read-only until a
// write copies it. Bit 9 is one of those that the processor ignores in every entry.
using CopyOnWriteLeaf = Bits<9>;

// What a leaf becomes until no core can use its frame any more.
constexpr Entry unmapping_entry(Entry leaf, u32 id) {
    Entry entry = absent_entry(AbsentKind::unmapping, id, leaf.frame().frame_number());
    entry.raw |= AbsentBits::CopyOnWrite::make(CopyOnWriteLeaf::get(leaf.raw));
    return entry;
}
constexpr Phys unmapping_frame(Entry entry) { return Phys(AbsentBits::Key::get(entry.raw) * page_size); }

} // namespace mm
