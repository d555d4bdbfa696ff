// kernel/introspect/leak_check.cpp — the leak check; see leak_check.h.
#include "kernel/introspect/leak_check.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "kernel/campaign/target.h"
#include "kernel/codes.h"
#include "kernel/introspect/memory_report.h"

namespace kernel {

namespace {

const Output to_log{[](void *, Text line) { log_line(line); }, nullptr};

rstate::Error leaked_lock() {
    const char *names[cpu::most_locks] = {};
    const u32 count = cpu::locks_held(current_core(), names);
    return FAIL(not_released, "this core still holds a lock", count == 0 ? "none" : names[count - 1]);
}

rstate::Error leaked_pins(u64 pins) {
    world->windows.of(current_core())->print_pins(to_log);
    return FAIL(not_released, "this core still holds pins: the log names their places", pins);
}

rstate::Error leaked_errors(u64 kept) {
    LOG(errors, "in flight on core {}:", current_core());
    rstate::print_in_flight(to_log, current_core());
    return FAIL(not_released, "this core still holds errors: the log has them", kept);
}

rstate::Error leaked_blocks(u64 count, u32 ranges_made) {
    rstate::ignore(report_blocks_since(ranges_made), "the chain is useful without the places, too");
    return FAIL(not_released, "heap blocks are still allocated: the log has their places", count);
}

} // namespace

LeakCheck LeakCheck::count_now() {
    LeakCheck count;
    const u32 me = current_core();
    const char *names[cpu::most_locks];
    count.blocks_ = world->heap.live_blocks();
    for (u32 owner = 0; owner < static_cast<u32>(mm::Owner::count_); ++owner)
        count.frames_[owner] = world->frames.used(static_cast<mm::Owner>(owner));
    count.frames_[static_cast<u32>(mm::Owner::device)] -= frames_kept_by_svm();
    count.ranges_made_ = world->space.ranges_made();
    count.pins_ = world->windows.of(me)->pinned();
    count.locks_ = cpu::locks_held(me, names);
    count.error_frames_ = rstate::frames_in_use(me);
    count.dropped_errors_ = rstate::dropped_errors();
    return count;
}

rstate::Result<> LeakCheck::check_held(u64 known_error_frames) const {
    const LeakCheck after = count_now();
    if (after.locks_ != locks_) return leaked_lock();
    if (after.pins_ != pins_) return leaked_pins(after.pins_ - pins_);
    if (after.dropped_errors_ != dropped_errors_)
        return FAIL(not_released, "errors were dropped unread: the log has them",
                    after.dropped_errors_ - dropped_errors_);
    const u64 kept = after.error_frames_ - error_frames_ - known_error_frames;
    if (kept != 0) return leaked_errors(kept);
    return rstate::done();
}

rstate::Result<> LeakCheck::check_all() const {
    TRY(check_held(), "checking pins, locks and errors");
    const LeakCheck after = count_now();
    if (after.blocks_ != blocks_) return leaked_blocks(after.blocks_ - blocks_, ranges_made_);
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
