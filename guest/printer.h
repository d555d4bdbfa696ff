// guest/printer.h — logs what the target prints, line by line, up to a limit of lines.
#pragma once

#include "base/format.h"
#include "guest/memory.h"

namespace guest {

class Printer final {
  public:
    // Logs the text; what follows its last line end waits for more of the line. Every byte that is not
    // printable ASCII is escaped.
    void print(const Memory &memory, u64 address, u64 length);
    void end_line();
    // From now on only few lines are logged: a target that prints in every case would hide everything else.
    void begin_cases() { end_line(), lines_left_ = lines_for_cases; }
    void show_all() { lines_left_ = ~0ul; }

  private:
    static constexpr u64 lines_at_start = 1000;
    static constexpr u64 lines_for_cases = 16;
    static constexpr usize longest_line = 160;

    u64 lines_left_ = lines_at_start;
    TextBuffer<longest_line> line_;
};

} // namespace guest
