// fuzz/printed.h — what the target printed before it crashed, as lines of the crash's chain.
#pragma once

#include "base/format.h"
#include "vm/outcome.h"

namespace fuzz {

// The last few lines, escaped, as "  printed: TEXT" each; without a line end, as the other lines of a chain.
void print_last_lines(const Output &line_out, const vm::Printed &printed);

} // namespace fuzz
