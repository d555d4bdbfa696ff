// mm/frame_table.h — what the kernel knows of each frame: two bytes a frame, and a free list through them.
//
// Frames are grouped by 2040. The first frame of a group holds the group's FrameTable, so a free frame is
// never read or written, and memory that was never used needs no preparation.
#pragma once

#include "base/check.h"
#include "mm/bootstrap.h"
#include "mm/physical.h"

namespace mm {

// One frame's state:
//
//   15     12 11          0
//   [ owner ] [ mappings  ]     allocated: pages of the kernel's address space that map it
//   [ none  ] [ next free ]     free: the next index of the group's free list, or list_end
//   [         0           ]     never used: not allocated yet, and on no list
class FrameState final {
  public:
    static constexpr u16 most_mappings = 0xFFF;
    static constexpr u16 list_end = 0xFFF;

    static constexpr FrameState allocated(Owner owner) {
        return FrameState(static_cast<u16>(static_cast<u32>(owner) << 12));
    }
    static constexpr FrameState free(u16 next) { return FrameState(next); }

    constexpr FrameState() = default;
    constexpr Owner owner() const { return static_cast<Owner>(raw_ >> 12); }
    constexpr bool is_allocated() const { return owner() != Owner::none; }
    constexpr bool is_free() const { return raw_ != 0 && owner() == Owner::none; }
    constexpr bool is_never_used() const { return raw_ == 0; }
    constexpr u16 mappings() const { return raw_ & 0xFFF; }  // of an allocated frame
    constexpr u16 next_free() const { return raw_ & 0xFFF; } // of a free frame

    void add_mappings(i32 change) {
        const i32 sum = mappings() + change;
        CHECK(sum >= 0 && sum <= most_mappings,
              "a frame is mapped at most 4095 times, and what is unmapped was counted", sum);
        raw_ = static_cast<u16>(raw_ + change);
    }

  private:
    constexpr explicit FrameState(u16 raw) : raw_(raw) {}
    u16 raw_ = 0;
};
static_assert(sizeof(FrameState) == 2);
static_assert(static_cast<u32>(Owner::count_) <= 16, "an owner fits in four bits");
static_assert(Owner::none == Owner{} && frames_per_group <= FrameState::list_end,
              "index 0 is the table's own frame, so a free frame's state is never 0");

// Invariant: the free list holds `free_count` frames of the group, each once, and each of them is_free().
struct FrameTable {
    u64 next_group; // physical address of the next table whose free list is not empty, 0: none
    u16 free_head;  // index of the first free frame, or list_end
    u16 free_count;
    u32 zero;
    FrameState frames[frames_per_group];

    // Of a zeroed page.
    void start() {
        free_head = FrameState::list_end;
        frames[0] = FrameState::allocated(Owner::metadata);
    }

    void push_free(u64 index) {
        frames[index] = FrameState::free(free_head);
        free_head = static_cast<u16>(index);
        ++free_count;
    }
    u64 pop_free() {
        const u16 index = free_head;
        CHECK(index != 0 && index < frames_per_group && frames[index].is_free(),
              "only the frame pool writes to its tables", index);
        free_head = frames[index].next_free();
        --free_count;
        return index;
    }

    // The first index of `count` contiguous free frames whose first frame number is a multiple of
    // `alignment`; 0: there is none. `first_number` is the number of the group's first frame.
    u64 find_free_run(u64 first_number, u64 count, u64 alignment) const {
        const auto aligned = [&](u64 index) {
            return align_up(first_number + index, alignment) - first_number;
        };
        for (u64 start = aligned(1); start + count <= frames_per_group;) {
            u64 length = 0;
            while (length < count && frames[start + length].is_free()) ++length;
            if (length == count) return start;
            start = aligned(start + length + 1);
        }
        return 0;
    }

    // Allocates contiguous free frames. The free list is singly linked, so it is built anew.
    void take_free_run(u64 first, u64 count, Owner owner) {
        for (u64 i = 0; i < count; ++i) frames[first + i] = FrameState::allocated(owner);
        free_head = FrameState::list_end, free_count = 0;
        for (u64 index = frames_per_group - 1; index > 0; --index)
            if (frames[index].is_free()) push_free(index);
    }
};
static_assert(sizeof(FrameTable) == page_size);

} // namespace mm
