// vm/codes.h — what can go wrong with a virtual machine, whoever its vendor is.
#pragma once

#include "rstate/site.h"

namespace vm {

// An address is not inside the guest's memory: the host asked for it. (A guest that reaches there itself is
// an Exit, not an error.)
inline constexpr rstate::Code outside_memory{"vm.outside_memory"};
// The guest's own page tables do not map a virtual address the host wanted to follow.
inline constexpr rstate::Code guest_not_mapped{"vm.guest_not_mapped"};
// The guest faults for ever on an entry that allows the access.
inline constexpr rstate::Code fault_stays{"vm.fault_stays"};
// An operation that the state of the snapshot forbids: taken twice, not taken yet, of another size.
inline constexpr rstate::Code snapshot_state{"vm.snapshot_state"};
// Somebody would write a page that all machines share: a page table of the guest, after the snapshot.
inline constexpr rstate::Code shared_page{"vm.shared_page"};
// The bytes at the guest's RIP are not the instruction that the exit names.
inline constexpr rstate::Code unexpected_instruction{"vm.unexpected_instruction"};
// A case wants more pages than its machine may have, or than are left of all.
inline constexpr rstate::Code out_of_memory{"vm.out_of_memory"};
// A machine was asked for with impossible measures.
inline constexpr rstate::Code bad_options{"vm.bad_options"};

} // namespace vm
