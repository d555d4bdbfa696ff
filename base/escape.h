// base/escape.h — bytes from outside as text that is safe on a terminal and in a line of a record.
#pragma once

#include "base/format.h"

constexpr usize longest_escape = 4; // of one byte

// Printable ASCII as it is; a backslash doubled; \n, \t and \r by these names; every other byte as \xNN.
void print_escaped(const Output &out, Bytes bytes);
