// tests/sim/cpu.h — the simulated processors: registers, MSRs, CPUID, and a TLB that keeps what it was not
// asked to drop, tables' addresses included, so that a missing invalidation makes a test fail.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/addr.h"
#include "base/core.h"
#include "cpu/ops.h"
#include "tests/sim/memory.h"

namespace sim {

struct Cpu {
    u64 cr0 = 0x80010011, cr2 = 0, cr3 = 0, cr4 = 0x20;
    bool interrupts = false;
    u64 tsc = 1'000'000;
    u64 dr7 = 0x400;
    std::map<cpu::Msr, u64> msrs;
    std::set<cpu::Msr> absent; // raise #GP
    std::set<cpu::Msr> fixed;  // keep their value
    u64 cache_flushes = 0;     // WBINVD
    u8 fx_state[512] = {};
    u16 fop_kept = 0; // what the last FXSAVE left in memory
    // FIP, which FXSAVE hides and FXRSTOR leaves alone while no exception is pending, as AMD's do.
    u64 x87_instruction = 0;
    u64 fxrstors = 0;
    Phys loaded_vmcb, saved_vmcb;
    u64 invalidations = 0; // invlpg
    u64 flushes = 0;       // writes of CR3

    std::map<u64, u64> tlb;    // page -> leaf entry, with the walk's permissions
    std::map<u64, u64> tables; // address >> 21 -> frame of its last-level table
};

// The processor that this thread's core is.
Cpu &cpu();
Cpu &cpu_of(u32 number);
// All processors as after power-on.
void reset_cpus();

// CPUID as the test wants it; a leaf not set reads as zeros.
void set_cpuid(u32 leaf, ::cpu::CpuidResult result, u32 subleaf = 0);
// What RDRAND and RDSEED give; by default a counting sequence. nullopt: the generator has none.
void on_random(std::function<std::optional<u64>()> source);
// Port accesses: value is what OUT writes, the result is what IN reads; width 1, 2 or 4.
void on_port_read(std::function<u32(u16 port, u32 width)> hook);
void on_port_write(std::function<void(u16 port, u32 width, u32 value)> hook);
void on_halt(std::function<void()> hook);

// A memory access by the current core at a virtual address, through its TLB and then its tables in `memory`.
enum class Access { read, write, execute };
struct Translation {
    std::optional<Phys> address; // absent: a page fault
    u64 fault_code = 0;
};
Translation translate(SimMemory &memory, Virt address, Access access = Access::read);
// A byte through `translate`; nullopt is a page fault, with CR2 set.
std::optional<u8> load8(SimMemory &memory, Virt address);
bool store8(SimMemory &memory, Virt address, u8 value);

} // namespace sim
