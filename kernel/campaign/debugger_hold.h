// kernel/campaign/debugger_hold.h — stops a replay at the end of its case, while the host copies the target's
// memory for gdb (`replay --gdb`, `--core`).
//
// The host reads physical memory and walks both page tables itself: QEMU's own debug port does not follow
// nested paging.
#pragma once

#include "kernel/campaign/snapshot_session.h"

namespace kernel {

// Writes the record `held`: the target's registers and the roots of its page tables. Then it waits for a byte
// from the console.
void hold_for_debugger(SnapshotSession &session);

} // namespace kernel
