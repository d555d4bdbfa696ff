// tests/kernel/tiny_guest.h — a guest of a few instructions, for tests and benchmarks of the machine itself.
//
//   guest physical = guest virtual, 4 MiB:   0x1000 tables   0x10000 code   0x20000 stack top   0x200000 data
#pragma once

#include "kernel/world.h"

namespace kernel {

class TinyGuest final {
  public:
    static constexpr u64 memory_bytes = 4_MiB;
    static constexpr u64 code = 0x10000, stack_top = 0x20000, data = 0x200000;

    // `program` is machine code, entered in ring 3 at `code`.
    static rstate::Result<TinyGuest> make(svm::Core &core, Bytes program) {
        Machine machine =
            TRY(Machine::make(core, world->windows, world->frames, world->allocator, memory_bytes),
                "making a machine for a few instructions");
        TRY(build_tables(machine), "building its page tables");
        TRY(machine.write(GuestPhys(code), program), "writing its code");
        machine.registers().rip = code;
        machine.registers().rsp = stack_top;
        machine.set_system({GuestPhys(top_table), 0, 0, 0});
        return TinyGuest(std::move(machine));
    }
    Machine &machine() { return machine_; }

  private:
    static constexpr u64 top_table = 0x1000, table_pages = 5; // one of each level, and two of the lowest
    static constexpr u64 user_table = 0x27, user_page = 0x67; // present, writable, user, accessed (and dirty)

    explicit TinyGuest(Machine &&machine) : machine_(std::move(machine)) {}

    static rstate::Result<> write_entry(Machine &machine, u64 at, u64 entry) {
        return machine.write(GuestPhys(at), {reinterpret_cast<const u8 *>(&entry), sizeof entry});
    }
    static rstate::Result<> build_tables(Machine &machine) {
        TRY(write_entry(machine, top_table, 0x2000 | user_table), "the top table");
        TRY(write_entry(machine, 0x2000, 0x3000 | user_table), "the second table");
        TRY(write_entry(machine, 0x3000, 0x4000 | user_table), "the third table, first half");
        TRY(write_entry(machine, 0x3008, 0x5000 | user_table), "the third table, second half");
        for (u64 page = 1; page < memory_bytes / page_size; ++page) // page 0 stays away: NULL
            TRY(write_entry(machine, 0x4000 + 8 * page, page * page_size | user_page), "a page", page);
        return machine.protect_tables(GuestPhys(top_table), table_pages);
    }

    Machine machine_;
};

} // namespace kernel
