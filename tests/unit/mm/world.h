// tests/unit/mm/world.h — a whole of memory management over simulated memory and processors, for tests.
//
// All cores run on the test's thread: a core that waits for the others lets them serve their interrupts.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "mm/page_heap.h"
#include "tests/sim/cpu.h"
#include "tests/sim/memory.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

using Space = mm::AddressSpace<SimMemory>;
using Heap = mm::PageHeap<SimMemory>;
using mm::Owner;

struct WorldOptions {
    u32 cores = 2;
    u64 frames_per_core = 1024;
    u32 quarantine_size = 64;
    Heap::Placement placement = Heap::Placement::random;
    SimMemory::Mode mode = SimMemory::Mode::quick;
};

class World {
  public:
    explicit World(const WorldOptions &options = {})
        : memory(options.cores * options.frames_per_core, Phys(0x200000), options.mode),
          tlb_shootdown({&World::interrupt, this}) {
        sim::reset_cpus();
        sim::core = 0;
        for (u32 core = 0; core < options.cores; ++core) {
            pools.push_back(std::make_unique<mm::FramePool<SimMemory>>(memory));
            const u64 bytes = options.frames_per_core * page_size;
            pools[core]->add({memory.first() + core * bytes, bytes, 0, core / 2, 0}).take();
            frames.attach(core, *pools[core]);
        }
        const Phys root = frames.allocate(Owner::page_table).take();
        std::memset(memory.peek(root), 0, page_size);
        for (u32 core = 0; core < options.cores; ++core) {
            const sim::AsCore as(core);
            cpu::write_cr3(root.value());
            tlb_shootdown.join(nullptr);
        }
        sim::on_waiting([this] { serve_interrupts(); });
        space = std::make_unique<Space>(frames, tlb_shootdown, root, options.quarantine_size);
        space->mix_entropy(Text("the tests' entropy").bytes());
        heap = std::make_unique<Heap>(*space, options.placement);
    }
    ~World() {
        sim::on_waiting({});
        sim::reset_cpus();
    }

    void serve_interrupts() {
        for (u32 core = 0; core < max_cores; ++core) {
            if ((pending >> core & 1) == 0) continue;
            pending &= ~(1ul << core);
            const sim::AsCore as(core);
            tlb_shootdown.serve();
        }
    }
    std::optional<u8> load(Virt address) { return sim::load8(memory, address); }
    bool store(Virt address, u8 value) { return sim::store8(memory, address, value); }
    // What a fault handler learns about an access that faulted.
    mm::Explanation why(Virt address, bool write = false) {
        return space->explain(address, write ? cpu::PageFaultCode::Write::mask : 0);
    }
    u64 frames_in_use() const { return frames.used(); }

    SimMemory memory;
    mm::Frames<SimMemory> frames{memory};
    std::vector<std::unique_ptr<mm::FramePool<SimMemory>>> pools;
    mm::TlbShootdown tlb_shootdown;
    std::unique_ptr<Space> space;
    std::unique_ptr<Heap> heap;
    u64 pending = 0; // cores with an interrupt on its way
    bool deliver = true;

  private:
    static void interrupt(void *self, u32 core) {
        auto &world = *static_cast<World *>(self);
        if (world.deliver) world.pending |= 1ul << core;
    }
};

constexpr mm::AllocationSite site_of(const char *type, u32 line) {
    return {type, "some/file.cpp", "some_function", line};
}

} // namespace
