// tests/native/filesystem_calls.h — the library that answers a target's system calls, as a library of this
// host.
//
// A file of its own: the library's headers and the host's define the same names.
#pragma once

#include <errno.h>

// Maps the memory that the library has in a target, and starts it.
void rl_test_start(void);
// Answers one call: a result or a negative error number. The call must not wait.
long rl_test_call(unsigned long number, const unsigned long *arguments);
