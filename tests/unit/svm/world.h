// tests/unit/svm/world.h — a core with SVM on a simulated processor, and machines on it.
#pragma once

#include "svm/machine.h"
#include "tests/kernel/faults/vmcb_fault_injector.h"
#include "tests/sim/cpu.h"
#include "tests/sim/heap.h"
#include "tests/sim/memory.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/svm/scripted_cpu.h"

namespace sim {

// Release builds use UncheckedAudit. The tests use CheckedAudit, which detects what the other ignores.
using Machine = svm::Machine<SimMemory, SimMemory, svm::CheckedAudit>;
static_assert(vm::Vm<Machine>);

// QEMU's TCG: nested paging and nothing optional.
inline cpu::Features plain_features() {
    cpu::Features f;
    f.amd = f.long_mode = f.no_execute = f.svm = f.nested_paging = true;
    f.physical_address_bits = 40;
    f.asid_count = 16;
    return f;
}
// A processor of AMD's with all that we use.
inline cpu::Features rich_features() {
    cpu::Features f = plain_features();
    f.umip = f.fs_gs_base = f.lbr_virtualisation = f.nrip_save = f.vmcb_clean_bits = f.flush_by_asid =
        f.decode_assists = true;
    f.physical_address_bits = 48;
    f.asid_count = 32768;
    return f;
}

constexpr u64 guest_size = 4_MiB;

class SvmTest : public testing::Test {
  protected:
    explicit SvmTest(cpu::Features features = plain_features())
        : maps(make_maps(memory)), core(features, maps) {
        reset_cpus();
        EXPECT_TRUE(core.start(memory, memory).ok());
    }
    ~SvmTest() override { EXPECT_TRUE(snapshot.release(memory, memory).ok()); }

    static svm::PermissionMaps make_maps(SimMemory &memory) {
        const Phys first = memory.allocate(mm::Owner::device).take(); // this memory gives frames in a row
        for (u64 i = 1; i < svm::PermissionMaps::pages; ++i)
            EXPECT_EQ(memory.allocate(mm::Owner::device).take(), first + i * page_size);
        return svm::PermissionMaps::fill(memory, first).take();
    }
    Machine make() { return Machine::make(core, memory, memory, heap.allocator(), guest_size).take(); }
    vm::Exit run(Machine &machine) { return machine.run().take(); }

    // One page table of each level at guest page 16 and on: the first 2 MiB of addresses are themselves.
    void map_low_addresses(Machine &machine) {
        constexpr u64 tables = 16 * page_size, flags = 0x67; // present, writable, user, accessed, dirty
        const auto put = [&](u64 table, u64 index, u64 entry) {
            const GuestPhys at(tables + table * page_size + index * 8);
            EXPECT_TRUE(machine.write(at, {reinterpret_cast<const u8 *>(&entry), 8}).ok());
        };
        for (u64 level = 0; level < 3; ++level) put(level, 0, tables + (level + 1) * page_size + flags);
        for (u64 page = 0; page < 512; ++page) put(3, page, page * page_size + flags);
        vm::SystemRegisters system = machine.system();
        system.cr3 = GuestPhys(tables);
        machine.set_system(system);
    }

    SimMemory memory{2048};
    Heap heap;
    svm::PermissionMaps maps;
    svm::Core core;
    ScriptedCpu script{memory};
    vm::Snapshot snapshot;
};

} // namespace sim
