// base/log.cpp — see log.h.
#include "base/log.h"

void log_arguments(Text subsystem, Text pattern, Span<const FormatArgument> arguments) {
    TextBuffer<240> line;
    line.add("{}: ", subsystem);
    print_arguments(line.output(), pattern, arguments);
    log_line(line.text());
}
