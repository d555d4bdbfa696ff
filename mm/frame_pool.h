// mm/frame_pool.h — one core's share of physical memory, as frames.
//
// A range hands out frames upwards from its start until its end, or until what the boot built there. The
// first frame of every 2040 keeps their books: two bytes a frame, its owner and how many pages of the
// kernel's address space map it or, when it came back, the next free one. So starting costs nothing for each
// gigabyte, memory that nobody has used yet costs nothing, and a free frame is never read or written.
//
//   | books | used | used | free | ...  never touched  ... | boot | boot |
//   first                        next                      limit         end
#pragma once

#include "base/atomic.h"
#include "cpu/lock.h"
#include "cpu/ops.h"
#include "mm/bootstrap.h"
#include "mm/codes.h"
#include "mm/physical.h"

namespace mm {

// In a path that cannot fail: what ends or undoes. A pin is refused only when all 512 slots are held, a bug.
inline void must(rstate::Result<void> done, const char *doing) {
    if (done.ok()) return;
    rstate::report(done.take_error(), doing);
    CHECK(false, "tables and books can be reached to end what was begun", doing);
}
template <PhysicalMemory M> typename M::Pin must_pin(M &memory, Phys page) {
    auto pin = memory.pin(page);
    if (!pin.ok()) {
        rstate::report(pin.take_error(), "freeing memory");
        CHECK(false, "there is a window slot to free a frame with", page);
    }
    return pin.take();
}

// What the first frame of a group holds.
struct Books {
    u64 next_books; // another group that has free frames, 0 ends the list
    u16 free_head;  // index of a frame that came back, 0: none
    u16 free_count; // frames that came back
    u32 zero;
    u16 entries[frames_per_group]; // owner << 12 | mappings, or nobody << 12 | index of the next free frame

    static constexpr u16 most_mappings = 0xFFF;

    Owner owner(u64 index) const { return static_cast<Owner>(entries[index] >> 12); }
    u16 mappings(u64 index) const { return entries[index] & most_mappings; }
    void set_owner(u64 index, Owner owner) {
        entries[index] = static_cast<u16>(static_cast<u32>(owner) << 12);
    }
};
static_assert(sizeof(Books) == page_size);
static_assert(static_cast<u32>(Owner::count_) <= 16 && frames_per_group < 4096,
              "an entry is four and twelve bits");

template <PhysicalMemory M> class FramePool final {
  public:
    static constexpr u32 max_ranges = 16;
    static constexpr u64 longest_run = frames_per_group - 1;

    explicit FramePool(M &memory) : memory_(memory) {}
    FramePool(const FramePool &) = delete;

    // Takes over a range of free memory. What the boot has in use is booked under Owner::boot.
    rstate::Result<void> add(const PhysRange &range) {
        CHECK(range.first.page_aligned() && is_aligned(range.bytes | range.boot_bytes, page_size) &&
                  range.boot_bytes <= range.bytes,
              "a range is whole pages", range.first, range.bytes, range.boot_bytes);
        const cpu::Guard guard(lock_);
        if (range.bytes < 2 * page_size) return rstate::done(); // its books would be all of it
        if (count_ == max_ranges)
            return FAIL(out_of_records, "a pool keeps 16 ranges", range.first, range.bytes);
        const u64 frames = range.bytes / page_size, limit = frames - range.boot_bytes / page_size;
        Range &added = ranges_[count_];
        added = {range.first, frames, 0, limit, limit == frames ? ~0ul : limit / frames_per_group,
                 range.node};
        TRY(book_boot_frames(added), "booking the frames that the boot uses", range.first, range.boot_bytes);
        ++count_;
        const u64 books = groups(limit), all_books = groups(frames);
        free_.bump(limit - books);
        boot_frames_ += frames - limit - (all_books - books);
        return rstate::done();
    }

    rstate::Result<Phys> allocate(Owner owner) {
        const cpu::Guard guard(lock_);
        Phys frame;
        if (listed_.value() != 0)
            frame = TRY(take_returned(owner), "taking a frame that came back", owner);
        else if (!TRY(take_unused(1, 1, owner, frame), "taking an unused frame", owner))
            return FAIL(out_of_frames, "this core's pool is empty", owner);
        free_.bump(-1ul);
        return frame;
    }

    // Frames in a row, the first at a multiple of `alignment` frames (a power of two): from memory that was
    // never used, and when there is none, put together from frames that came back one by one.
    rstate::Result<Phys> allocate_run(u64 count, u64 alignment, Owner owner) {
        const cpu::Guard guard(lock_);
        if (count == 0 || count > longest_run)
            return FAIL(too_large, "a row of frames fits between two pages of books", count);
        Phys first;
        if (!TRY(take_unused(count, alignment, owner, first), "taking frames in a row", count, alignment) &&
            !TRY(take_joined(count, alignment, owner, first), "joining frames to a row", count, alignment))
            return FAIL(no_contiguous, "no range has that many free frames in a row", count, alignment);
        free_.bump(0 - count);
        return first;
    }

    // The frame must be unreachable already: nothing maps it, no window holds it.
    void free(Phys frame, Owner owner) {
        const cpu::Guard guard(lock_);
        CHECK(owner != Owner::none, "a frame is freed by its owner", frame);
        const Place place = place_of(frame);
        CHECK(place.index != 0, "a group's books are nobody's to free", frame);
        auto pin = must_pin(memory_, place.books);
        Books &books = books_in(pin);
        const Owner known = books.owner(place.index);
        CHECK(known == owner, "a frame is freed once, and by its owner", frame, known, owner);
        CHECK(books.mappings(place.index) == 0, "a frame is not freed while it is mapped", frame, owner,
              books.mappings(place.index));
        give_back(place, books);
        free_.bump();
    }

    // So many pages more map the frame, or fewer: 1 or -1. It cannot be freed while any does.
    rstate::Result<void> count_mapping(Phys frame, i32 change) {
        const cpu::Guard guard(lock_);
        const Place place = place_of(frame);
        auto pin = TRY(memory_.pin(place.books), "pinning the books of a mapped frame", frame);
        Books &books = books_in(pin);
        CHECK(books.owner(place.index) != Owner::none, "a frame that is mapped is somebody's", frame);
        const i32 mappings = books.mappings(place.index) + change;
        CHECK(mappings >= 0 && mappings <= Books::most_mappings,
              "a frame is mapped at most 4095 times, and what ends was counted", frame);
        books.entries[place.index] = static_cast<u16>(books.entries[place.index] + change);
        return rstate::done();
    }

    bool holds(Phys frame) const { return range_of(frame) != nullptr; }
    Owner owner_of(Phys frame) {
        const cpu::Guard guard(lock_);
        const Place place = place_of(frame);
        auto pin = must_pin(memory_, place.books);
        return books_in(pin).owner(place.index);
    }
    u64 free_frames() const { return free_.load(); }
    // Frames that the boot used when their ranges were added.
    u64 boot_frames() const { return boot_frames_; }
    u32 node() const { return count_ != 0 ? ranges_[0].node : 0; }

  private:
    struct Range {
        Phys first;
        u64 frames = 0;
        u64 next = 0;  // frames below it were handed out at least once, or keep books
        u64 limit = 0; // frames from here on are the boot's
        u64 boot_group =
            0; // the group where the boot's frames begin: books are kept from the start, from it on
        u32 node = 0;
    };
    // Where a frame is booked.
    struct Place {
        Phys books;
        u64 index = 0;
    };

    static constexpr u64 groups(u64 frames) { return (frames + frames_per_group - 1) / frames_per_group; }
    static Books &books_in(typename M::Pin &pin) { return *reinterpret_cast<Books *>(pin.bytes()); }

    const Range *range_of(Phys frame) const {
        for (u32 i = 0; i < count_; ++i)
            if (frame - ranges_[i].first < ranges_[i].frames * page_size) return &ranges_[i];
        return nullptr;
    }
    Place place_of(Phys frame) const {
        const Range *range = range_of(frame);
        CHECK(range != nullptr && frame.page_aligned(), "a frame belongs to the pool it is looked up in",
              frame);
        const u64 number = (frame - range->first) / page_size, group = number / frames_per_group;
        CHECK(number < range->next || number >= range->limit, "a frame was handed out before it is looked up",
              frame);
        return {range->first + group * group_bytes, number % frames_per_group};
    }

    void give_back(const Place &place, Books &books) {
        books.entries[place.index] = books.free_head; // and owner nobody
        books.free_head = static_cast<u16>(place.index);
        if (books.free_count++ != 0) return;
        books.next_books = listed_.value();
        listed_ = place.books;
    }

    rstate::Result<Phys> take_returned(Owner owner) {
        const Phys group = listed_;
        auto pin = TRY(memory_.pin(group), "pinning the books of a group", group);
        Books &books = books_in(pin);
        const u16 index = books.free_head;
        CHECK(index != 0 && index < frames_per_group && books.owner(index) == Owner::none,
              "only the pool writes to its books", group, index);
        books.free_head = books.entries[index] & 0xFFF;
        books.set_owner(index, owner);
        if (--books.free_count == 0) listed_ = Phys(books.next_books);
        return group + index * page_size;
    }

    // The frames of one group that came back, a bit each.
    class Returned final {
      public:
        explicit Returned(const Books &books) {
            for (u64 index = books.free_head; index != 0; index = books.entries[index] & 0xFFF)
                words_[index / 64] |= 1ul << index % 64;
        }
        bool has(u64 index) const { return (words_[index / 64] >> index % 64 & 1) != 0; }
        // The first index from which on there are `count` of them, 0 for none.
        u64 row(Phys group, u64 count, u64 alignment) const {
            const u64 first = group.frame_number();
            const auto aligned = [&](u64 index) { return align_up(first + index, alignment) - first; };
            for (u64 start = aligned(1); start + count <= frames_per_group;) {
                u64 length = 0;
                while (length < count && has(start + length)) ++length;
                if (length == count) return start;
                start = aligned(start + length + 1);
            }
            return 0;
        }

      private:
        u64 words_[frames_per_group / 64 + 1] = {};
    };

    // `count` frames in a row that came back, all in one group. False: no group has them.
    rstate::Result<bool> take_joined(u64 count, u64 alignment, Owner owner, Phys &first) {
        for (Phys group = listed_, before; group.value() != 0;) {
            auto pin = TRY(memory_.pin(group), "pinning the books of a group", group);
            Books &books = books_in(pin);
            const Returned returned(books);
            const u64 row = returned.row(group, count, alignment);
            if (row != 0) {
                if (books.free_count == count)
                    TRY(unlist(before, Phys(books.next_books)), "taking a group off the list", group);
                relist(books, returned, row, count);
                for (u64 k = 0; k < count; ++k) books.set_owner(row + k, owner);
                first = group + row * page_size;
                return true;
            }
            before = group, group = Phys(books.next_books);
        }
        return false;
    }
    // The group behind `before`, or the first one, has no frame any more.
    rstate::Result<void> unlist(Phys before, Phys next) {
        if (before.value() == 0) {
            listed_ = next;
            return rstate::done();
        }
        auto pin = TRY(memory_.pin(before), "pinning the books before those of a group", before);
        books_in(pin).next_books = next.value();
        return rstate::done();
    }
    // The list of a group's frames without those of a row.
    static void relist(Books &books, const Returned &returned, u64 row, u64 count) {
        books.free_head = 0;
        for (u64 index = frames_per_group - 1; index > 0; --index) {
            if (!returned.has(index) || index - row < count) continue;
            books.entries[index] = books.free_head;
            books.free_head = static_cast<u16>(index);
        }
        books.free_count = static_cast<u16>(books.free_count - count);
    }

    // `count` unused frames in a row; what alignment skips counts as come back. False: no range has them.
    rstate::Result<bool> take_unused(u64 count, u64 alignment, Owner owner, Phys &first) {
        for (u32 i = 0; i < count_; ++i) {
            Range &range = ranges_[i];
            const u64 start = row_in(range, count, alignment);
            if (start + count > range.limit) continue;
            TRY(skip_to(range, start), "passing the frames before a row", start);
            const u64 group = start / frames_per_group;
            const Place place{range.first + group * group_bytes, start % frames_per_group};
            auto pin = TRY(memory_.pin(place.books), "pinning the books of a group", place.books);
            for (u64 k = 0; k < count; ++k) books_in(pin).set_owner(place.index + k, owner);
            range.next = start + count;
            first = range.first + start * page_size;
            return true;
        }
        return false;
    }

    // The first number at or after `next` where a row fits between two pages of books, whatever the limit.
    static u64 row_in(const Range &range, u64 count, u64 alignment) {
        u64 start = range.next;
        for (;;) {
            const u64 number = range.first.frame_number() + start;
            start += align_up(number, alignment) - number;
            const u64 index = start % frames_per_group;
            if (index != 0 && index + count <= frames_per_group) return start;
            start += index == 0 ? 1 : frames_per_group - index + 1;
        }
    }

    // Moves `next` up to `to`: starts the books it passes, and counts the frames as come back.
    rstate::Result<void> skip_to(Range &range, u64 to) {
        for (; range.next < to; ++range.next) {
            const u64 group = range.next / frames_per_group;
            const Place place{range.first + group * group_bytes, range.next % frames_per_group};
            if (place.index == 0) {
                if (group < range.boot_group)
                    TRY(start_books(place.books), "starting the books of a group", group);
                continue;
            }
            auto pin = TRY(memory_.pin(place.books), "pinning the books of a group", place.books);
            give_back(place, books_in(pin));
        }
        return rstate::done();
    }

    rstate::Result<void> start_books(Phys page) {
        auto pin = TRY(memory_.pin(page), "pinning the books of a new group", page);
        cpu::fill_page(pin.bytes(), 0);
        books_in(pin).set_owner(0, Owner::metadata);
        return rstate::done();
    }
    rstate::Result<void> book_boot_frames(const Range &range) {
        for (u64 group = range.boot_group; group < ~0ul && group * frames_per_group < range.frames; ++group) {
            const Phys page = range.first + group * group_bytes;
            TRY(start_books(page), "starting the books of the boot's frames", page);
            auto pin = TRY(memory_.pin(page), "booking the boot's frames", page);
            for (u64 i = 1; i < frames_per_group; ++i) {
                const u64 number = group * frames_per_group + i;
                if (number >= range.limit && number < range.frames) books_in(pin).set_owner(i, Owner::boot);
            }
        }
        return rstate::done();
    }

    M &memory_;
    cpu::SpinLock lock_{"mm.frame_pool", 2};
    Range ranges_[max_ranges];
    u32 count_ = 0;
    Phys listed_;      // books of a group that has frames which came back, 0: none. Frame 0 is in no range.
    Atomic<u64> free_; // changed under the lock alone, read without it
    u64 boot_frames_ = 0;
};

} // namespace mm
