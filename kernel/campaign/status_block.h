// kernel/campaign/status_block.h — the figures of a run on the machine's own screen: the block that the live
// view of the tools shows, and the last crash in three lines.
#pragma once

#include "fuzz/shared.h"

namespace kernel {

class StatusBlock final {
  public:
    static constexpr u32 rows = 8;
    // Every second: puts the lines together and shows them. `now` and `second` in time stamps.
    void update(fuzz::Shared &shared, u64 now, u64 second);

  private:
    using Line = TextBuffer<79>;
    void note_news(const fuzz::Shared &shared, u64 now);
    void write_figures(const fuzz::Shared &shared, u64 now, u64 second);
    void write_last_crash(fuzz::Shared &shared);

    Line lines_[rows];
    u64 began_at_ = 0, shown_at_ = 0;
    u64 cases_ = 0, edges_ = 0, crashes_ = 0; // at the last update
    u64 edge_at_ = 0, crash_at_ = 0;          // when there were new ones; 0: none yet
    u64 rate_ = 0;
};

} // namespace kernel
