// guest/printer.h — what the target prints, as lines of the log, for as long as that helps.
#pragma once

#include "guest/memory.h"

namespace guest {

class Printer final {
  public:
    // Shows the text at most `length` bytes long, cut into lines, with a dot for each byte that no console
    // should get.
    void print(const Memory &memory, u64 address, u64 length);
    // A target that prints in every case would drown everything else, so cases get this many lines together.
    void begin_cases() { lines_left_ = lines_for_cases; }

  private:
    static constexpr u64 lines_at_start = 1000;
    static constexpr u64 lines_for_cases = 16;
    void line(Text text);

    u64 lines_left_ = lines_at_start;
};

} // namespace guest
