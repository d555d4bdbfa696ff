// kernel/world.h — the concrete types that the kernel is built from, and the memory management that all cores
// share.
#pragma once

#include "boot/contract/core_args.h"
#include "guest/process.h"
#include "kernel/late_init.h"
#include "mm/address_space.h"
#include "mm/page_heap.h"
#include "svm/machine.h"

namespace kernel {

using Windows = mm::CoreWindows;
using FramePool = mm::FramePool<Windows>;
using Frames = mm::Frames<Windows>;
using AddressSpace = mm::AddressSpace<Windows>;
using PageHeap = mm::PageHeap<Windows>;
using Machine = svm::Machine<Windows, Frames>;
using Process = guest::Process<Machine>;

// Memory management for the whole machine: core 0 constructs it, all cores use it.
struct World {
    Windows windows;
    mm::TlbShootdown tlb_shootdown;
    Frames frames;
    AddressSpace space;
    PageHeap heap;
    mm::Allocator allocator; // the heap's interface for the layers below the kernel

    explicit World(Phys root);
};

extern LateInit<World> world;

// Core 0, before anything else: its window, its share of memory, then the heap.
rstate::Result<> make_world(const boot::CoreArgs &args);
// Core 0, after all other cores have started: gives the boot's mappings guard pages and records, and frees
// the memory that only the boot needed.
rstate::Result<> settle_world(const boot::CoreArgs &args);

} // namespace kernel

// Instantiated once, in kernel/instances.cpp: of what several files instantiate the linker keeps any one,
// also one that was built for size (COLD in tools/rl/building/graph.py), and every case would run it.
extern template class vm::GuestMemory<kernel::Windows, kernel::Frames>;
extern template class svm::Machine<kernel::Windows, kernel::Frames>;
extern template class guest::Process<kernel::Machine>;
