// mm/frame_pool_check.h — verifies a frame pool's accounting: for tests, after each operation.
#pragma once

#include "mm/frame_pool.h"

namespace mm {

template <PhysicalMemory M> class FramePoolChecker final {
  public:
    explicit FramePoolChecker(FramePool<M> &pool) : pool_(pool) {}

    void check() {
        u64 free = 0;
        for (u32 i = 0; i < pool_.count_; ++i) free += check_range(pool_.ranges_[i]);
        CHECK(free == pool_.free_frames(), "free lists and memory never used add up to the counter", free,
              pool_.free_frames());
        check_group_list();
    }

  private:
    // Returns the range's free frames.
    u64 check_range(const FrameRange &range) {
        CHECK(range.next <= range.limit && range.limit <= range.frames, "next <= limit <= frames", range.next,
              range.limit, range.frames);
        u64 free = 0;
        for (u64 group = 0; group < FrameRange::groups_in(range.frames); ++group)
            free += range.has_table(group) ? check_group(range, group) : usable_frames(range, group);
        return free;
    }

    static u64 usable_frames(const FrameRange &range, u64 group) {
        const u64 first = group * frames_per_group;
        return min(range.limit, first + frames_per_group) - first - 1;
    }

    // Every frame is allocated, on the free list, or never used; the list has as many as it says.
    u64 check_group(const FrameRange &range, u64 group) {
        auto pin = must_pin(pool_.memory_, range.table(group));
        const FrameTable &table = pool_.table_in(pin);
        CHECK(table.frames[0].owner() == Owner::metadata, "a table's frame is its own", group);
        u64 never_used = 0, free = 0;
        const u64 first = group * frames_per_group;
        for (u64 i = 1; i < frames_per_group && first + i < range.frames; ++i) {
            const FrameState state = table.frames[i];
            CHECK(state.is_never_used() == !range.was_handed_out(first + i),
                  "a frame has a state once it is handed out", first + i, range.next);
            never_used += state.is_never_used(), free += state.is_free();
        }
        CHECK(free == table.free_count, "the free list's count is right", free, table.free_count);
        check_free_list(table);
        groups_with_free_ += free != 0;
        return never_used + free;
    }

    // As many steps as free frames exist, all through free frames: each is there once.
    static void check_free_list(const FrameTable &table) {
        u64 length = 0;
        for (u16 index = table.free_head; index != FrameState::list_end; ++length) {
            CHECK(length < table.free_count && index != 0 && index < frames_per_group &&
                      table.frames[index].is_free(),
                  "a free list leads through free frames and ends", index, length);
            index = table.frames[index].next_free();
        }
        CHECK(length == table.free_count, "a free list is as long as its count", length, table.free_count);
    }

    void check_group_list() {
        u64 length = 0;
        for (Phys group = pool_.free_groups_; group.value() != 0; ++length) {
            CHECK(length < groups_with_free_, "the list of groups ends", group);
            auto pin = must_pin(pool_.memory_, group);
            CHECK(pool_.table_in(pin).free_count != 0, "a listed group has a free frame", group);
            group = Phys(pool_.table_in(pin).next_group);
        }
        CHECK(length == groups_with_free_, "each group with a free frame is listed", length,
              groups_with_free_);
    }

    FramePool<M> &pool_;
    u64 groups_with_free_ = 0;
};

// Panics with what is wrong. The caller makes sure that no other core uses the pool.
template <PhysicalMemory M> void check_accounting(FramePool<M> &pool) { FramePoolChecker<M>(pool).check(); }

} // namespace mm
