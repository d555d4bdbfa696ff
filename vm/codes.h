// vm/codes.h — error codes of a virtual machine, the same for every processor vendor.
#pragma once

#include "rstate/site.h"

namespace vm {

// The host asked for an address outside the guest's memory. (A guest that accesses one causes an Exit, not an
// error.)
inline constexpr rstate::Code outside_memory{"vm.outside_memory"};
// The guest's own page tables do not map a virtual address that the host asked for.
inline constexpr rstate::Code guest_not_mapped{"vm.guest_not_mapped"};
// The guest faults again and again on an entry that allows the access.
inline constexpr rstate::Code fault_stays{"vm.fault_stays"};
// The state of the snapshot forbids the operation: taken twice, not taken yet, of another size.
inline constexpr rstate::Code snapshot_state{"vm.snapshot_state"};
// The bytes at the guest's RIP are not the instruction that the exit names.
inline constexpr rstate::Code unexpected_instruction{"vm.unexpected_instruction"};
// A case needs more pages than its machine may have, or than are free.
inline constexpr rstate::Code out_of_memory{"vm.out_of_memory"};
// A machine was requested with an impossible size.
inline constexpr rstate::Code bad_options{"vm.bad_options"};
// The encodings of a page's state disagree (vm/guest_memory_invariants.h). Only tests check for it.
inline constexpr rstate::Code broken_invariant{"vm.broken_invariant"};

} // namespace vm
