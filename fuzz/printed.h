// fuzz/printed.h — what the target printed before it crashed, as lines of the crash's chain.
#pragma once

#include "base/format.h"
#include "vm/outcome.h"

namespace fuzz {

constexpr u32 most_printed_lines = 8;

// The last few lines, escaped, as "  printed: TEXT" each; without a line end, as the other lines of a chain.
void print_last_lines(const Output &line_out, const vm::Printed &printed);

} // namespace fuzz
