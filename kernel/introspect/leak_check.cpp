// kernel/introspect/leak_check.cpp — see balance.h.
#include "kernel/introspect/leak_check.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "kernel/campaign/target.h"
#include "kernel/codes.h"
#include "kernel/introspect/memory_report.h"

namespace kernel {

namespace {

const Output to_log{[](void *, Text line) { log_line(line); }, nullptr};

rstate::Error blocks_left(u64 count, u32 ranges_made) {
    rstate::ignore(list_blocks_since(ranges_made), "the chain is told without the places, too");
    return FAIL(not_released, "blocks of the heap live still: the log has who made them", count);
}

} // namespace

Balance Balance::now() {
    Balance b;
    const u32 me = current_core();
    const char *names[cpu::most_locks];
    b.blocks_ = world->heap.live_blocks();
    for (u32 owner = 0; owner < static_cast<u32>(mm::Owner::count_); ++owner)
        b.frames_[owner] = world->frames.used(static_cast<mm::Owner>(owner));
    b.frames_[static_cast<u32>(mm::Owner::device)] -= frames_kept_by_svm();
    b.ranges_made_ = world->space.ranges_made();
    b.pins_ = world->windows.of(me)->pinned();
    b.locks_ = cpu::locks_held(me, names);
    b.error_frames_ = rstate::frames_in_use(me);
    b.dropped_errors_ = rstate::dropped_errors();
    return b;
}

rstate::Result<> Balance::nothing_held(u64 known_error_frames) const {
    const Balance after = now();
    if (after.locks_ != locks_) {
        const char *names[cpu::most_locks] = {};
        const u32 count = cpu::locks_held(current_core(), names);
        return FAIL(not_released, "a lock is held still", count == 0 ? "none" : names[count - 1]);
    }
    if (after.pins_ != pins_) {
        world->windows.of(current_core())->print_pins(to_log);
        return FAIL(not_released, "pins are held still: the log says from where", after.pins_ - pins_);
    }
    if (after.dropped_errors_ != dropped_errors_)
        return FAIL(not_released, "errors were dropped: the log has them",
                    after.dropped_errors_ - dropped_errors_);
    const u64 kept = after.error_frames_ - error_frames_ - known_error_frames;
    if (kept != 0) {
        LOG(errors, "in flight on core {}:", current_core());
        rstate::print_in_flight(to_log, current_core());
        return FAIL(not_released, "errors are kept still: the log has them", kept);
    }
    return rstate::done();
}

rstate::Result<> Balance::all_given_back() const {
    TRY(nothing_held(), "looking for what nobody may keep");
    const Balance after = now();
    if (after.blocks_ != blocks_) return blocks_left(after.blocks_ - blocks_, ranges_made_);
    for (u32 i = 0; i < static_cast<u32>(mm::Owner::count_); ++i) {
        const mm::Owner owner = static_cast<mm::Owner>(i);
        const bool stays = owner == mm::Owner::page_table || owner == mm::Owner::metadata;
        const u64 before = frames_[i], now = after.frames_[i];
        if (!stays && now != before)
            return FAIL(not_released, "frames are still in use", mm::name_of(owner), before, now);
    }
    return rstate::done();
}

} // namespace kernel
