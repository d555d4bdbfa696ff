// guest/syscall_names.h — the names of Linux's system calls on x86-64, for messages.
#pragma once

#include "base/types.h"

namespace guest {

// "unknown" for a number that Linux does not use.
const char *syscall_name(u64 number);

} // namespace guest
