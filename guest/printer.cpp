// guest/printer.cpp — see printer.h.
#include "guest/printer.h"

#include "base/escape.h"
#include "base/log.h"

namespace guest {

void Printer::end_line() {
    if (line_.size() == 0 || lines_left_ == 0) return;
    LOG(target, "{}", line_.text());
    line_.clear();
    if (--lines_left_ == 0) LOG(target, "(what the target prints from here on is not shown)");
}

void Printer::print(const Memory &memory, u64 address, u64 length) {
    constexpr u64 most_bytes = 16_KiB; // of one call
    length = min(length, most_bytes);
    for (u64 i = 0; i < length && lines_left_ != 0; ++i) {
        u8 byte = 0;
        if (!memory.peek(GuestVirt(address + i), byte)) break;
        if (byte == '\n') {
            end_line();
            continue;
        }
        print_escaped(line_.output(), Bytes(&byte, 1));
        if (line_.size() > longest_line - longest_escape) end_line();
    }
}

} // namespace guest
