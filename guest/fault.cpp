// guest/fault.cpp — see fault.h.
#include "guest/fault.h"

#include "base/bits.h"

namespace guest {

namespace {

// APM vol 2 §8.4.2 "Page-Fault Error Code"
using Present = Bits<0>;

constexpr u64 null_area = 64_KiB; // Linux never maps it (vm.mmap_min_addr)

Fault plain(rl_kind kind, const char *text = "") {
    Fault fault;
    fault.kind = kind;
    fault.text = text;
    return fault;
}

// AddressSanitizer's check reads the shadow of an access first: a mov or cmp with this displacement. When
// that read faults, the faulting address is the shadow's; the accessed address follows from it without its
// low bits.
bool is_shadow_check(const Instruction &instruction) {
    return instruction.memory && instruction.displacement == RL_SHADOW_OFFSET &&
           instruction.access != vm::Access::write;
}
u64 address_of_shadow(u64 shadow) { return (shadow - RL_SHADOW_OFFSET) << RL_SHADOW_SHIFT; }

void locate(Fault &fault, const GuestLayout &layout) {
    const u64 address = fault.address;
    const Region *region = layout.find(address, 1);
    if (address < null_area)
        fault.region = rl_region_null_page;
    else if (address >= stack_bottom - RL_STACK_GUARD_SIZE && address < stack_bottom)
        fault.region = rl_region_stack_guard;
    else if (address >= shadow_start && address < shadow_end)
        fault.region = rl_region_shadow;
    else if (region == nullptr)
        fault.region = rl_region_wild;
    else if (address < break_base)
        fault.region = rl_region_image;
}

Fault memory_fault(u64 address, vm::Access access, const Instruction &instruction,
                   const GuestLayout &layout) {
    Fault fault;
    fault.has_address = true;
    fault.address = address;
    fault.access = access;
    fault.size = instruction.memory && instruction.access == access ? instruction.size : 0;
    if (access == vm::Access::read && is_shadow_check(instruction)) {
        fault.address = address_of_shadow(address);
        fault.access = vm::Access::none; // the same check precedes reads and writes
        fault.size = 0;
    }
    locate(fault, layout);
    switch (fault.region) {
    case rl_region_null_page:
        fault.kind = rl_kind_null_dereference;
        break;
    case rl_region_stack_guard:
        fault.kind = rl_kind_stack_overflow;
        break;
    default:
        fault.kind = rl_kind_wild_access;
    }
    return fault;
}

Fault explain_page_fault(const vm::Exit &exit, const Instruction &instruction, const GuestLayout &layout) {
    Fault fault = memory_fault(exit.address, exit.access, instruction, layout);
    if (!Present::test(exit.error_code)) return fault;
    if (exit.access == vm::Access::execute) fault.text = "memory that must not be executed";
    if (exit.access == vm::Access::write) fault.text = "memory that must not be written";
    return fault;
}

Fault explain_invalid_opcode(const Instruction &instruction) {
    if (instruction.kind == Instruction::Kind::ud1)
        return plain(rl_kind_undefined_behaviour, rl_undefined_name(instruction.check));
    if (instruction.kind == Instruction::Kind::ud2)
        return plain(rl_kind_illegal_instruction, "a trap of the compiler (ud2)");
    if (instruction.locked)
        return plain(rl_kind_illegal_instruction, "LOCK before an instruction that cannot be locked");
    return plain(rl_kind_illegal_instruction);
}

// #GP and #SS carry no address: it is computed from the instruction.
// Only emulators let an instruction with a wrong LOCK get as far as these.
Fault explain_protection(const Instruction &instruction, const GuestLayout &layout) {
    if (instruction.locked && !instruction.memory) return explain_invalid_opcode(instruction);
    if (instruction.kind == Instruction::Kind::halt) // how C libraries stop when even abort fails
        return plain(rl_kind_abort, "the HLT instruction");
    if (!instruction.memory)
        return plain(rl_kind_other_exception, "general protection: a privileged instruction, or a jump to a "
                                              "non-canonical address");
    if (is_canonical(instruction.address)) {
        Fault fault = plain(rl_kind_other_exception, "general protection: a misaligned vector access");
        fault.has_address = true;
        fault.address = instruction.address;
        fault.access = instruction.access;
        return fault;
    }
    Fault fault = memory_fault(instruction.address, instruction.access, instruction, layout);
    fault.kind = rl_kind_wild_access;
    fault.region = rl_region_wild;
    fault.text = "a non-canonical address";
    return fault;
}

} // namespace

Fault explain(const vm::Exit &exit, const Instruction &instruction, const GuestLayout &layout) {
    switch (exit.vector) {
    case page_fault:
        return explain_page_fault(exit, instruction, layout);
    case general_protection:
    case stack_fault:
        return explain_protection(instruction, layout);
    case divide_error:
        return plain(rl_kind_division_error, "division by zero, or its result does not fit");
    case invalid_opcode:
        return explain_invalid_opcode(instruction);
    case breakpoint:
        return plain(rl_kind_breakpoint);
    case debug:
        return plain(rl_kind_other_exception, "debug exception");
    case overflow:
    case bound_range:
        return plain(rl_kind_other_exception, "overflow or bound exception");
    case invalid_tss:
    case segment_not_present:
        return plain(rl_kind_other_exception, "a selector of a segment that is not there");
    case x87_floating_point:
        return plain(rl_kind_other_exception, "x87 floating-point exception");
    case alignment_check: {
        Fault fault = plain(rl_kind_other_exception, "alignment check");
        fault.has_address = instruction.memory;
        fault.address = instruction.address;
        fault.access = instruction.access;
        return fault;
    }
    case simd_floating_point:
        return plain(rl_kind_other_exception, "SSE floating-point exception");
    default:
        return plain(rl_kind_other_exception, "an exception that no instruction of a target should raise");
    }
}

} // namespace guest
