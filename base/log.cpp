// base/log.cpp — see log.h.
#include "base/log.h"

void log_arguments(Text pattern, Span<const FormatArgument> arguments) {
    TextBuffer<240> line;
    print_arguments(line.output(), pattern, arguments);
    log_line(line.text());
}
