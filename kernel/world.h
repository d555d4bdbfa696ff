// kernel/world.h — the concrete types the kernel is put together from, and the objects that all cores share.
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

// Memory management for the whole machine; made by core 0, used by all.
struct World {
    Windows windows;
    mm::TlbShootdown tlb_shootdown;
    Frames frames;
    AddressSpace space;
    PageHeap heap;
    mm::Allocator allocator; // the heap, as everybody below the kernel sees it

    explicit World(Phys root);
};

extern Late<World> world;

// Core 0, first: its window, its share of memory, then the heap.
rstate::Result<> make_world(const boot::CoreArgs &args);
// Core 0, once the others have arrived: the boot's mappings get guards and records, its leftovers become free
// memory.
rstate::Result<> settle_world(const boot::CoreArgs &args);

} // namespace kernel
