// fuzz/printed.cpp — see printed.h.
#include "fuzz/printed.h"

#include "base/escape.h"

namespace fuzz {

namespace {

constexpr u64 longest_line = 90; // bytes before they are escaped: a line of a chain holds them

// The first byte of the last lines: behind the line end that stands before them.
u64 start_of_last_lines(Bytes text) {
    u64 at = text.size();
    for (u32 lines = 0; at > 0; --at)
        if (text[at - 1] == '\n' && at != text.size() && ++lines == most_printed_lines) break;
    return at;
}

} // namespace

void print_last_lines(const Output &line_out, const vm::Printed &printed) {
    for (Bytes text = printed.last.from(start_of_last_lines(printed.last)); !text.empty();) {
        u64 end = 0;
        while (end < text.size() && text[end] != '\n') ++end;
        TextBuffer<12 + longest_line * longest_escape> line;
        line.add("  printed: ");
        print_escaped(line.output(), text.first(min(end, longest_line)));
        line_out(line.text());
        text = text.from(min(end + 1, text.size()));
    }
}

} // namespace fuzz
