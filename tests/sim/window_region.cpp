// tests/sim/window_region.cpp — see window_region.h.
#include "tests/sim/window_region.h"

#include <csignal>
#include <sys/mman.h>

#include "base/core.h"
#include "mm/formats.h"
#include "tests/sim/program.h"

namespace sim {

namespace {
constexpr u64 region_bytes = 512 * page_size;
WindowRegion *regions[max_cores];
struct sigaction previous;
} // namespace

struct WindowFault {
    // A fault in the current core's region is a TLB miss; every other one is the test's, as it was before.
    static void handle(int, siginfo_t *info, void *) {
        WindowRegion *region = regions[core];
        const u64 offset = reinterpret_cast<u64>(info->si_addr) - (region ? region->base().value() : 0);
        if (region != nullptr && offset < region_bytes && region->load(offset / page_size)) return;
        sigaction(SIGSEGV, &previous, nullptr);
    }
    static void install() {
        static const bool once = [] {
            struct sigaction action = {};
            action.sa_sigaction = handle;
            action.sa_flags = SA_SIGINFO | SA_NODEFER;
            return sigaction(SIGSEGV, &action, &previous) == 0;
        }();
        CHECK(once, "the fault handler is installed");
        struct sigaction now = {};
        sigaction(SIGSEGV, nullptr, &now);
        if (now.sa_sigaction == handle) return;
        now.sa_sigaction = handle; // a death test's child gave it up
        now.sa_flags = SA_SIGINFO | SA_NODEFER;
        sigaction(SIGSEGV, &now, nullptr);
    }
};

WindowRegion::WindowRegion(SimMemory &memory, u32 number, Phys table) : memory_(&memory), number_(number) {
    void *p = mmap(nullptr, 2 * region_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED, "the host has 4 MiB of addresses");
    u8 *start = static_cast<u8 *>(p);
    base_ = reinterpret_cast<u8 *>(align_up(reinterpret_cast<u64>(start), region_bytes));
    if (base_ > start) munmap(start, static_cast<u64>(base_ - start));
    munmap(base_ + region_bytes, static_cast<u64>(start + region_bytes - base_));
    table_ = memory.peek(table);
    for (u64 i = 0; i < page_size; ++i) table_[i] = 0;
    CHECK(regions[number] == nullptr, "a core has one window", number);
    regions[number] = this;
    WindowFault::install();
}

WindowRegion::~WindowRegion() {
    regions[number_] = nullptr;
    munmap(base_, region_bytes);
}

bool WindowRegion::load(u64 index) {
    const mm::Entry entry{__atomic_load_n(reinterpret_cast<u64 *>(table_) + index, __ATOMIC_ACQUIRE)};
    if (!entry.present() || cached_[index] != 0) return false;
    cached_[index] = entry.raw;
    memory_->map_at(base_ + index * page_size, entry.frame());
    return true;
}

bool WindowRegion::reaches(Phys frame) const {
    for (u64 i = 0; i < 512; ++i) {
        const mm::Entry entry{reinterpret_cast<u64 *>(table_)[i]}, cached{cached_[i]};
        if ((entry.present() && entry.frame() == frame) || (cached.present() && cached.frame() == frame))
            return true;
    }
    return false;
}

void WindowRegion::flush(Virt page) {
    WindowRegion *region = regions[core];
    if (region == nullptr || page.value() - region->base().value() >= region_bytes) return;
    const u64 index = (page.value() - region->base().value()) / page_size;
    if (region->cached_[index] == 0) return;
    SimMemory::unmap_at(region->base_ + index * page_size, page_size);
    region->cached_[index] = 0;
}

void WindowRegion::flush_all() {
    WindowRegion *region = regions[core];
    if (region == nullptr) return;
    SimMemory::unmap_at(region->base_, region_bytes);
    for (u64 &entry : region->cached_) entry = 0;
}

} // namespace sim
