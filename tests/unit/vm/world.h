// tests/unit/vm/world.h — a guest's memory with a processor that uses it: fixtures of the tests of vm.
#pragma once

#include <vector>

#include "tests/sim/heap.h"
#include "tests/sim/memory.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/vm/nested_cpu.h"
#include "vm/guest_memory.h"
#include "vm/guest_memory_invariants.h"
#include "vm/snapshot_taker.h"

namespace sim {

using GuestMemory = vm::GuestMemory<SimMemory, SimMemory>;

inline GuestPhys page_at(u64 number) { return GuestPhys(number * page_size); }

inline void expect_invariants(GuestMemory &pages) {
    auto checked = pages.check_invariants();
    if (checked.ok()) return;
    clear_log();
    rstate::report(checked.take_error(), "the invariants of a guest's memory");
    ADD_FAILURE() << log_text();
}

// A machine's memory as its guest uses it: faults are resolved, and a changed epoch flushes. The invariants
// are checked after each operation.
class Guest {
  public:
    Guest(SimMemory &memory, Heap &heap, u64 size)
        : cpu(memory), pages(GuestMemory::make(memory, memory, heap.allocator(), size).take()) {}

    u8 read(GuestPhys at) {
        const u8 byte = *cpu.byte(reach(at, vm::Access::read));
        expect_invariants(pages);
        return byte;
    }
    void write(GuestPhys at, u8 value) {
        *cpu.byte(reach(at, vm::Access::write)) = value;
        expect_invariants(pages);
    }
    // A walk of a guest page table: nested paging treats it as a write, though it changes nothing.
    void walk(GuestPhys table) {
        reach(table, vm::Access::write);
        expect_invariants(pages);
    }

    u8 host_read(GuestPhys at) {
        u8 byte = 0;
        EXPECT_TRUE(pages.read(at, {&byte, 1}).ok());
        return byte;
    }
    void host_write(GuestPhys at, u8 value) {
        EXPECT_TRUE(pages.write(at, {&value, 1}).ok());
        expect_invariants(pages);
    }
    u64 evict(u64 wanted) {
        const u64 evicted = pages.evict(wanted);
        expect_invariants(pages);
        return evicted;
    }

    void take(vm::Snapshot &snapshot) {
        vm::ProcessorState state;
        ASSERT_TRUE((vm::SnapshotTaker<SimMemory, SimMemory>(pages, snapshot).take(state).ok()));
        expect_invariants(pages);
    }
    u64 digest() { return pages.digest({}).take(); }
    u64 digest_of_changes() { return pages.digest_of_changes({}).take(); }
    void reset() {
        ASSERT_TRUE(pages.reset().ok());
        expect_invariants(pages);
    }
    // An entry into the guest, with the flush that the machine would request.
    void enter() {
        if (seen_ != pages.epoch()) cpu.flush();
        seen_ = pages.epoch();
    }

    NestedCpu cpu;
    GuestMemory pages;

  private:
    Phys reach(GuestPhys at, vm::Access access) {
        for (u32 tries = 0; tries < 3; ++tries) {
            enter();
            if (const auto found = cpu.translate(pages.root(), at, access)) return *found;
            EXPECT_EQ(pages.fault(at, access).take(), vm::Fault::resolved);
        }
        ADD_FAILURE() << "the fault at " << at.value() << " stays";
        return Phys();
    }
    u64 seen_ = 0;
};

} // namespace sim
