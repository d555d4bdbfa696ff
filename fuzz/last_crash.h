// fuzz/last_crash.h — the last crash in three lines, which any core writes and core 0 reads for the screen.
#pragma once

#include "base/atomic.h"
#include "base/format.h"

namespace fuzz {

class LastCrash final {
  public:
    static constexpr u32 count = 3, longest_line = 80;
    struct Lines {
        char text[count][longest_line] = {}; // each is ended by a zero, or full
        Text line(u32 number) const {
            return Text::from_field({reinterpret_cast<const u8 *>(text[number]), longest_line});
        }
    };
    static_assert(sizeof(Lines) % sizeof(u64) == 0);

    // Replaces the lines; does nothing while another core does: its crash is as new.
    void store(const Lines &lines);
    // False when there is none, or while one is written.
    bool read(Lines &lines) const;

  private:
    static constexpr u32 words = sizeof(Lines) / sizeof(u64);
    Atomic<u64> version_; // odd while a core writes
    Atomic<u64> words_[words];
};

} // namespace fuzz
