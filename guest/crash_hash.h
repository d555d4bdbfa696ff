// guest/crash_hash.h — the crash hash, by which crashes are deduplicated (fuzz/crash_dedup.h).
#pragma once

#include "guest/symbols.h"
#include "vm/outcome.h"

namespace guest {

// XXH64 of the finding's kind and the names of its innermost three functions, each counted once. Of a stack
// overflow: of the functions that call each other, in any order.
u64 crash_hash(const vm::Finding &finding, const Symbols &symbols);

} // namespace guest
