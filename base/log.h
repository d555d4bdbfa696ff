// base/log.h — one line of text for people, prefixed with its subsystem.
//
//   LOG(mm, "core {} has {} frames", core, count);      ->  mm: core 1 has 31240 frames
#pragma once

#include "base/format.h"

// Writes one whole line; defined once per program. Lines of different cores never mix.
void log_line(Text line);

[[gnu::noinline]] void log_arguments(Text subsystem, Text pattern, Span<const FormatArgument> arguments);

template <class... Ts> void log_formatted(Text subsystem, Text pattern, const Ts &...values) {
    const FormatArgument arguments[sizeof...(Ts) + 1] = {FormatArgument(values)..., FormatArgument(0)};
    log_arguments(subsystem, pattern, {arguments, sizeof...(Ts)});
}

#define LOG(subsystem, pattern, ...) log_formatted(#subsystem, pattern __VA_OPT__(, ) __VA_ARGS__)
