// guest/printer.cpp — see printer.h.
#include "guest/printer.h"

#include "base/log.h"

namespace guest {

void Printer::line(Text text) {
    if (lines_left_ == 0) return;
    LOG(target, "{}", text);
    if (--lines_left_ == 0) LOG(target, "(what the target prints from here on is not shown)");
}

void Printer::print(const Memory &memory, u64 address, u64 length) {
    constexpr u64 most_bytes = 16_KiB; // of one call
    char text[160];
    u64 used = 0;
    length = min(length, most_bytes);
    for (u64 i = 0; i < length && lines_left_ != 0; ++i) {
        u8 byte = 0;
        if (!memory.peek(GuestVirt(address + i), byte)) break;
        if (byte != '\n') text[used++] = byte >= ' ' && byte < 0x7f ? static_cast<char>(byte) : '.';
        if (byte != '\n' && used < sizeof(text)) continue;
        line({text, used});
        used = 0;
    }
    if (used != 0) line({text, used});
}

} // namespace guest
