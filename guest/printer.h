// guest/printer.h — logs what the target prints, up to a limit of lines.
#pragma once

#include "guest/memory.h"

namespace guest {

class Printer final {
  public:
    // Logs the text line by line, with a dot for each byte that is not printable ASCII.
    void print(const Memory &memory, u64 address, u64 length);
    // From now on only few lines are logged: a target that prints in every case would hide everything else.
    void begin_cases() { lines_left_ = lines_for_cases; }

  private:
    static constexpr u64 lines_at_start = 1000;
    static constexpr u64 lines_for_cases = 16;
    void line(Text text);

    u64 lines_left_ = lines_at_start;
};

} // namespace guest
