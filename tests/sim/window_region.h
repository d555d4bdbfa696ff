// tests/sim/window_region.h — 2 MiB of real addresses behind a simulated page table, for testing the window
// with real pointers.
//
// The host's own mapping of each page plays the TLB: it is loaded from the table at the first access (by the
// fault handler) and stays, whatever the table says, until the page is invalidated on its core.
#pragma once

#include "tests/sim/memory.h"

namespace sim {

class WindowRegion {
  public:
    // The window of core `number`, with a cleared table in a frame of `memory` that the caller sets aside for
    // it.
    WindowRegion(SimMemory &memory, u32 number, Phys table);
    ~WindowRegion();
    WindowRegion(const WindowRegion &) = delete;

    Virt base() const { return virt_of(base_); }
    Virt table() const { return virt_of(table_); }
    // Whether the core can reach `frame` through any page of the window, by table or by a stale translation.
    bool reaches(Phys frame) const;

    static void flush(Virt page); // on the current core
    static void flush_all();

  private:
    friend struct WindowFault;
    bool load(u64 index); // what a TLB miss does

    SimMemory *memory_;
    u32 number_;
    u8 *base_;
    u8 *table_;
    u64 cached_[512] = {}; // the entry each page was loaded with, 0: not loaded
};

} // namespace sim
