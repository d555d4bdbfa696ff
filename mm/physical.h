// mm/physical.h — the seam through which all code reaches physical memory: pins, and frames to pin.
//
// There is no linear map. A page is reachable only while a Pin on it lives. The kernel's window satisfies
// PhysicalMemory; so does the tests' simulated memory, where a stale pointer faults just as on the machine.
#pragma once

#include <concepts>

#include "base/addr.h"
#include "base/span.h"
#include "rstate/result.h"

namespace mm {

// What a frame is used for: counted by owner, and checked when it is freed.
enum class Owner : u8 {
    none,
    boot,
    page_table,
    nested_table,
    window,
    stack,
    kernel_image,
    heap,
    snapshot,
    guest_private,
    device,   // VMCBs, permission maps, host save areas
    metadata, // frame tables and the records of address ranges
    count_,
};
constexpr const char *name_of(Owner owner) {
    constexpr const char *names[] = {"none",     "boot",          "page_table",   "nested_table",
                                     "window",   "stack",         "kernel_image", "heap",
                                     "snapshot", "guest_private", "device",       "metadata"};
    static_assert(sizeof names / sizeof *names == static_cast<u32>(Owner::count_));
    return owner < Owner::count_ ? names[static_cast<u32>(owner)] : "unknown";
}

// A Pin is move-only, gives the page's bytes while it lives, and must not outlive a switch to another core.
template <class P>
concept PagePin = std::movable<P> && !std::copyable<P> && requires(P pin) {
    { pin.bytes() } -> std::same_as<u8 *>; // page_size bytes, page aligned
};

template <class M>
concept PhysicalMemory = PagePin<typename M::Pin> && requires(M memory, Phys page) {
    { memory.pin(page) } -> std::same_as<rstate::Result<typename M::Pin>>;
};

// What the calling core pins through, found once for several pins: a shared memory has one part a core.
template <PhysicalMemory M> auto &memory_of_this_core(M &memory) {
    if constexpr (requires { memory.here(); })
        return memory.here();
    else
        return memory;
}

// Frames of one page. `free` names the owner again: a mismatch or a double free is a CHECK. Many frames are
// better freed together (mm/frame_batch.h): each call interrupts every core.
template <class F>
concept FrameAllocator = requires(F frames, Phys frame, Span<const Phys> many, Owner owner) {
    { frames.allocate(owner) } -> std::same_as<rstate::Result<Phys>>;
    { frames.free(frame, owner) } -> std::same_as<void>;
    { frames.free_all(many, owner) } -> std::same_as<void>;
};

} // namespace mm
