// mm/frame_range.h — one range of physical memory in a frame pool: where its groups and frame tables lie.
//
//   | table | used | free | used | ...  never used  ... | boot | boot |
//   first                         next                   limit         end
#pragma once

#include "mm/bootstrap.h"

namespace mm {

// Where a frame's state is kept.
struct FramePlace {
    Phys table; // of the frame's group
    u64 index = 0;
};

// Frames are numbered from the range's start. Invariant: next <= limit <= frames.
struct FrameRange {
    Phys first;
    u64 frames = 0;
    u64 next = 0;          // frames below it were handed out at least once, or hold a table
    u64 limit = 0;         // frames from here on were the boot's when the range was added
    u64 boot_group = ~0ul; // the group where these begin; the tables from it on exist from the start
    u32 node = 0;

    bool holds(Phys frame) const { return frame - first < frames * page_size; }
    u64 number_of(Phys frame) const { return (frame - first) / page_size; }
    Phys frame(u64 number) const { return first + number * page_size; }
    Phys table(u64 group) const { return first + group * group_bytes; }
    FramePlace place(u64 number) const {
        return {table(number / frames_per_group), number % frames_per_group};
    }
    bool was_handed_out(u64 number) const { return number < next || number >= limit; }
    bool has_table(u64 group) const { return group * frames_per_group < next || group >= boot_group; }

    static constexpr u64 groups_in(u64 frames) { return (frames + frames_per_group - 1) / frames_per_group; }

    // The first number at or after `next` from which `count` frames fit into one group, aligned; it may lie
    // beyond the limit.
    u64 next_run(u64 count, u64 alignment) const {
        u64 start = next;
        for (;;) {
            const u64 number = first.frame_number() + start;
            start += align_up(number, alignment) - number;
            const u64 index = start % frames_per_group;
            if (index != 0 && index + count <= frames_per_group) return start;
            start += index == 0 ? 1 : frames_per_group - index + 1;
        }
    }
};

} // namespace mm
