// tests/unit/vm/world.h — a guest's memory with a processor that uses it: what the tests of vm arrange and
// act with.
#pragma once

#include <vector>

#include "tests/sim/heap.h"
#include "tests/sim/memory.h"
#include "tests/sim/test.h"
#include "tests/unit/vm/nested_cpu.h"
#include "vm/guest_memory.h"
#include "vm/snapshot_taker.h"

namespace sim {

using GuestMemory = vm::GuestMemory<SimMemory, SimMemory>;

inline GuestPhys page_at(u64 number) { return GuestPhys(number * page_size); }

// A machine's memory as its guest uses it: faults are resolved, a changed epoch flushes.
class Guest {
  public:
    Guest(SimMemory &memory, Heap &heap, u64 size)
        : cpu(memory), own(GuestMemory::make(memory, memory, heap.allocator(), size).take()) {}

    u8 read(GuestPhys at) { return *cpu.byte(reach(at, vm::Access::read)); }
    void write(GuestPhys at, u8 value) { *cpu.byte(reach(at, vm::Access::write)) = value; }
    // As the nested walk of a guest's page table looks to nested paging: a write that changes nothing.
    void walk(GuestPhys table) { reach(table, vm::Access::write); }

    u8 host_read(GuestPhys at) {
        u8 byte = 0;
        EXPECT_TRUE(own.read(at, {&byte, 1}).ok());
        return byte;
    }
    void host_write(GuestPhys at, u8 value) { EXPECT_TRUE(own.write(at, {&value, 1}).ok()); }

    void take(vm::Snapshot &snapshot) {
        vm::ProcessorState state;
        ASSERT_TRUE((vm::SnapshotTaker<SimMemory, SimMemory>(own, snapshot).take(state).ok()));
    }
    u64 digest() { return own.digest({}).take(); }
    void reset() { ASSERT_TRUE(own.reset().ok()); }
    // An entry into the guest, with the flush that the machine would order.
    void enter() {
        if (seen_ != own.epoch()) cpu.flush();
        seen_ = own.epoch();
    }

    NestedCpu cpu;
    GuestMemory own;

  private:
    Phys reach(GuestPhys at, vm::Access access) {
        for (u32 tries = 0; tries < 3; ++tries) {
            enter();
            if (const auto found = cpu.translate(own.root(), at, access)) return *found;
            EXPECT_EQ(own.fault(at, access).take(), vm::Fault::resolved);
        }
        ADD_FAILURE() << "the fault at " << at.value() << " stays";
        return Phys();
    }
    u64 seen_ = 0;
};

} // namespace sim
