// mm/marks.h — what stands in an absent entry: the processor looks at its low bit alone, the rest is ours.
//
//   63                      24 23 22       4 3    1 0
//   [ key, or retiring frame ] [B][   id   ] [mark] 0       id: of the range's record; B: the frame is not
//   ours
#pragma once

#include "mm/formats.h"

namespace mm {

enum class Mark : u8 {
    none,
    reserved, // the owner of the range may map here
    guard,    // before or behind a range: nothing ever
    freed,
    lazy,     // the pager is asked at the first access
    retiring, // unmapped, and some core may still use it: the frame waits here
    window,   // a slot of a core's window that maps nothing now
};

struct MarkBits {
    using Kind = Bits<3, 1>;
    using Id = Bits<22, 4>;
    using Borrowed = Bits<23>;
    using Key = Bits<63, 24>;
};
constexpr u64 key_mask = (1ul << MarkBits::Key::width) - 1;
constexpr u32 max_record_id = (1u << MarkBits::Id::width) - 1;

constexpr Entry make_mark(Mark mark, u32 id = 0, u64 key = 0) {
    return {MarkBits::Kind::make(static_cast<u64>(mark)) | MarkBits::Id::make(id) | MarkBits::Key::make(key)};
}
constexpr Mark mark_of(Entry entry) {
    return entry.present() ? Mark::none : static_cast<Mark>(MarkBits::Kind::get(entry.raw));
}
constexpr u32 id_of(Entry entry) { return static_cast<u32>(MarkBits::Id::get(entry.raw)); }

// In a present leaf of a lazy range: the frame is the pager's, mapped until a write copies it.
using BorrowedLeaf = Bits<9>;

// What a leaf becomes until no core can use it any more.
constexpr Entry retiring_mark(Entry leaf, u32 id) {
    Entry mark = make_mark(Mark::retiring, id, leaf.frame().frame_number());
    mark.raw |= MarkBits::Borrowed::make(BorrowedLeaf::get(leaf.raw));
    return mark;
}
constexpr Phys retiring_frame(Entry mark) { return Phys(MarkBits::Key::get(mark.raw) * page_size); }

} // namespace mm
