// kernel/entry/page_fault.h — the kernel's page fault handler: asks the faulting range's pager for the page,
// or panics with an explanation of the address.
#pragma once

#include "base/addr.h"
#include "kernel/entry/traps.h"
#include "rstate/result.h"
#include "vm/outcome.h"

namespace kernel {

// Returns when the page is mapped now; otherwise panics.
void handle_page_fault(const TrapFrame &frame);

// An error that says what the address space knows about an address that the kernel must not access.
rstate::Error describe_access(Virt address, vm::Access access, const TrapFrame &frame);

} // namespace kernel
