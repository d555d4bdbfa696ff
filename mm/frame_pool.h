// mm/frame_pool.h — one core's frame allocator: the free lists of its ranges, and memory never used yet.
//
// A range hands out frames upwards from its start until its end, or until the frames that the boot uses.
// Adding a range costs nothing for each gigabyte: a group's frame table begins with the group's first use.
//
// Accounting: free_frames() is the sum of the free lists and of the frames never handed out. A group is on
// the list of groups exactly when its free list is not empty. check_accounting (mm/frame_pool_check.h)
// verifies both.
#pragma once

#include "base/atomic.h"
#include "cpu/lock.h"
#include "cpu/ops.h"
#include "mm/codes.h"
#include "mm/frame_range.h"
#include "mm/frame_table.h"
#include "mm/must.h"

namespace mm {

template <PhysicalMemory M> class FramePool final {
  public:
    static constexpr u32 max_ranges = 16;
    static constexpr u64 longest_run = frames_per_group - 1;

    explicit FramePool(M &memory) : memory_(memory) {}
    FramePool(const FramePool &) = delete;

    // Takes over a range of free memory. What the boot uses of it is allocated to Owner::boot.
    rstate::Result<void> add(const PhysRange &range) {
        CHECK(range.first.page_aligned() && is_aligned(range.bytes | range.boot_bytes, page_size) &&
                  range.boot_bytes <= range.bytes,
              "a range is whole pages", range.first, range.bytes, range.boot_bytes);
        const cpu::Guard guard(lock_);
        if (range.bytes < 2 * page_size) return rstate::done(); // its table would be all of it
        if (count_ == max_ranges)
            return FAIL(out_of_records, "a pool keeps 16 ranges", range.first, range.bytes);
        const u64 frames = range.bytes / page_size, limit = frames - range.boot_bytes / page_size;
        FrameRange &added = ranges_[count_];
        added = {range.first, frames, 0, limit, limit == frames ? ~0ul : limit / frames_per_group,
                 range.node};
        TRY(allocate_boot_frames(added), "recording the frames that the boot uses", range.first,
            range.boot_bytes);
        ++count_;
        const u64 tables = FrameRange::groups_in(limit), all_tables = FrameRange::groups_in(frames);
        add_free(static_cast<i64>(limit - tables));
        boot_frames_ += frames - limit - (all_tables - tables);
        return rstate::done();
    }

    rstate::Result<Phys> allocate(Owner owner) {
        const cpu::Guard guard(lock_);
        Phys frame;
        if (free_groups_.value() != 0)
            frame = TRY(take_free(owner), "taking a frame from a free list", owner);
        else if (!TRY(take_never_used(1, 1, owner, frame), "taking a frame never used", owner))
            return FAIL(out_of_frames, "this core's pool is empty", owner);
        add_free(-1);
        return frame;
    }

    // Contiguous frames, the first at a multiple of `alignment` frames (a power of two): from memory never
    // used, and when there is none, from neighbours that were freed one by one.
    rstate::Result<Phys> allocate_run(u64 count, u64 alignment, Owner owner) {
        const cpu::Guard guard(lock_);
        if (count == 0 || count > longest_run)
            return FAIL(too_large, "contiguous frames fit between two frame tables", count);
        Phys first;
        if (!TRY(take_never_used(count, alignment, owner, first), "taking contiguous frames", count,
                 alignment) &&
            !TRY(take_free_run(count, alignment, owner, first), "joining freed frames", count, alignment))
            return FAIL(no_contiguous, "no range has that many contiguous free frames", count, alignment);
        add_free(0 - static_cast<i64>(count));
        return first;
    }

    // The frame is unreachable already: no page table maps it, no window slot holds it.
    void free(Phys frame, Owner owner) {
        const cpu::Guard guard(lock_);
        CHECK(owner != Owner::none, "a frame is freed by its owner", frame);
        const FramePlace place = place_of(frame);
        CHECK(place.index != 0, "a frame table is never freed", frame);
        auto pin = must_pin(memory_, place.table);
        FrameTable &table = table_in(pin);
        const FrameState state = table.frames[place.index];
        CHECK(state.owner() == owner, "a frame is freed once, and by its owner", frame, state.owner(), owner);
        CHECK(state.mappings() == 0, "a frame is not freed while it is mapped", frame, owner,
              state.mappings());
        push_free(place, table);
        add_free(1);
    }

    // `change` pages more of the kernel's address space map the frame (1), or fewer (-1).
    rstate::Result<void> count_mapping(Phys frame, i32 change) {
        const cpu::Guard guard(lock_);
        const FramePlace place = place_of(frame);
        auto pin = TRY(memory_.pin(place.table), "pinning the table of a mapped frame", frame);
        FrameState &state = table_in(pin).frames[place.index];
        CHECK(state.is_allocated(), "a frame that is mapped is allocated", frame);
        state.add_mappings(change);
        return rstate::done();
    }

    bool holds(Phys frame) const { return range_of(frame) != nullptr; }
    Owner owner_of(Phys frame) {
        const cpu::Guard guard(lock_);
        const FramePlace place = place_of(frame);
        auto pin = must_pin(memory_, place.table);
        return table_in(pin).frames[place.index].owner();
    }
    u64 free_frames() const { return free_.load(); }
    u64 boot_frames() const { return boot_frames_; } // that the boot used when their ranges were added
    u32 node() const { return count_ != 0 ? ranges_[0].node : 0; }

  private:
    template <PhysicalMemory> friend class FramePoolChecker;

    static FrameTable &table_in(typename M::Pin &pin) { return *reinterpret_cast<FrameTable *>(pin.bytes()); }
    // Other cores read it without the lock.
    void add_free(i64 change) { free_.store(free_.load() + static_cast<u64>(change)); }

    const FrameRange *range_of(Phys frame) const {
        for (u32 i = 0; i < count_; ++i)
            if (ranges_[i].holds(frame)) return &ranges_[i];
        return nullptr;
    }
    FramePlace place_of(Phys frame) const {
        const FrameRange *range = range_of(frame);
        CHECK(range != nullptr && frame.page_aligned(), "a frame belongs to the pool it is looked up in",
              frame);
        const u64 number = range->number_of(frame);
        CHECK(range->was_handed_out(number), "a frame was handed out before it is looked up", frame);
        return range->place(number);
    }

    void push_free(const FramePlace &place, FrameTable &table) {
        table.push_free(place.index);
        if (table.free_count != 1) return;
        table.next_group = free_groups_.value();
        free_groups_ = place.table;
    }

    rstate::Result<Phys> take_free(Owner owner) {
        const Phys group = free_groups_;
        auto pin = TRY(memory_.pin(group), "pinning a group's frame table", group);
        FrameTable &table = table_in(pin);
        const u64 index = table.pop_free();
        table.frames[index] = FrameState::allocated(owner);
        if (table.free_count == 0) free_groups_ = Phys(table.next_group);
        return group + index * page_size;
    }

    // From the free list of one group. False: no group has such a run.
    rstate::Result<bool> take_free_run(u64 count, u64 alignment, Owner owner, Phys &first) {
        for (Phys group = free_groups_, before; group.value() != 0;) {
            auto pin = TRY(memory_.pin(group), "pinning a group's frame table", group);
            FrameTable &table = table_in(pin);
            const u64 index = table.find_free_run(group.frame_number(), count, alignment);
            if (index != 0) {
                if (table.free_count == count)
                    TRY(unlink_group(before, Phys(table.next_group)), "taking a group off the list", group);
                table.take_free_run(index, count, owner);
                first = group + index * page_size;
                return true;
            }
            before = group, group = Phys(table.next_group);
        }
        return false;
    }
    // The group after `before` (the first one when it is 0) has no free frame any more; `next` follows it.
    rstate::Result<void> unlink_group(Phys before, Phys next) {
        if (before.value() == 0) {
            free_groups_ = next;
            return rstate::done();
        }
        auto pin = TRY(memory_.pin(before), "pinning the frame table before a group's", before);
        table_in(pin).next_group = next.value();
        return rstate::done();
    }

    // Frames that alignment skips go on the free list. False: no range has such a run.
    rstate::Result<bool> take_never_used(u64 count, u64 alignment, Owner owner, Phys &first) {
        for (u32 i = 0; i < count_; ++i) {
            FrameRange &range = ranges_[i];
            const u64 start = range.next_run(count, alignment);
            if (start + count > range.limit) continue;
            TRY(skip_to(range, start), "passing the frames before a run", start);
            const FramePlace place = range.place(start);
            auto pin = TRY(memory_.pin(place.table), "pinning a group's frame table", place.table);
            for (u64 k = 0; k < count; ++k)
                table_in(pin).frames[place.index + k] = FrameState::allocated(owner);
            range.next = start + count;
            first = range.frame(start);
            return true;
        }
        return false;
    }

    // Moves `next` up: starts the tables that it passes, frees the frames.
    rstate::Result<void> skip_to(FrameRange &range, u64 to) {
        for (; range.next < to; ++range.next) {
            const FramePlace place = range.place(range.next);
            if (place.index == 0) {
                const u64 group = range.next / frames_per_group;
                if (group < range.boot_group)
                    TRY(start_table(place.table), "starting the table of a group", group);
                continue;
            }
            auto pin = TRY(memory_.pin(place.table), "pinning a group's frame table", place.table);
            push_free(place, table_in(pin));
        }
        return rstate::done();
    }

    rstate::Result<void> start_table(Phys page) {
        auto pin = TRY(memory_.pin(page), "pinning the frame table of a new group", page);
        cpu::fill_page(pin.bytes(), 0);
        table_in(pin).start();
        return rstate::done();
    }
    rstate::Result<void> allocate_boot_frames(const FrameRange &range) {
        for (u64 group = range.boot_group; group < FrameRange::groups_in(range.frames); ++group) {
            TRY(start_table(range.table(group)), "starting the table of the boot's frames", group);
            auto pin = TRY(memory_.pin(range.table(group)), "recording the boot's frames", group);
            for (u64 i = 1; i < frames_per_group; ++i) {
                const u64 number = group * frames_per_group + i;
                if (number >= range.limit && number < range.frames)
                    table_in(pin).frames[i] = FrameState::allocated(Owner::boot);
            }
        }
        return rstate::done();
    }

    M &memory_;
    cpu::SpinLock lock_{"mm.frame_pool", 2};
    FrameRange ranges_[max_ranges];
    u32 count_ = 0;
    Phys free_groups_; // the first group whose free list is not empty, 0: none. Frame 0 is in no range.
    Atomic<u64> free_;
    u64 boot_frames_ = 0;
};

} // namespace mm
