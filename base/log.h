// base/log.h — one line of text for people, prefixed with its subsystem.
//
//   LOG(mm, "core {} has {} frames", core, count);      ->  mm: core 1 has 31240 frames
//
// The numbered lines that show how far a boot has come are log_formatted("6 kernel at {x}", ...), without a
// subsystem.
#pragma once

#include "base/format.h"

// Writes one whole line; defined once per program. Lines of different cores never mix.
void log_line(Text line);

// The lines of a section follow each other: no other core's line or record comes between. Sections nest.
// Defined once per program; what the beginning gives is for the end.
u32 begin_log_section();
void end_log_section(u32 begun);

class LogSection {
  public:
    LogSection() : begun_(begin_log_section()) {}
    ~LogSection() { end_log_section(begun_); }
    LogSection(const LogSection &) = delete;

  private:
    u32 begun_;
};

[[gnu::noinline]] void log_arguments(Text pattern, Span<const FormatArgument> arguments);

template <class... Ts> [[gnu::always_inline]] inline void log_formatted(Text pattern, const Ts &...values) {
    if constexpr (sizeof...(Ts) == 0) {
        log_line(pattern);
    } else {
        const FormatArgument arguments[] = {FormatArgument(values)...};
        log_arguments(pattern, arguments);
    }
}

// The pattern is a literal.
#define LOG(subsystem, pattern, ...) log_formatted(#subsystem ": " pattern __VA_OPT__(, ) __VA_ARGS__)
