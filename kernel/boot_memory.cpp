// kernel/boot_memory.cpp — frees or keeps the memory that the boot used; see boot_memory.h.
#include "kernel/boot_memory.h"

#include "base/hash.h"
#include "boot/formats/codes.h"

namespace kernel {

namespace {

constexpr u64 low_memory = 1_MiB, small_machine = 64_MiB;
constexpr u64 stage2_memory = 20; // offset in stage2's image of the size it occupies (stage2/entry.asm)

constinit BootMemory found; // set by take_boot_memory

// Calls use(bytes, done) for each page's part of [at, at + size), while it is pinned.
template <class Use> rstate::Result<> for_each_part(Phys at, u64 size, Use use) {
    mm::Window &window = *world->windows.of(current_core());
    for (u64 done = 0; done < size;) {
        const Phys here = at + done;
        const u64 bytes = min(size - done, page_size - here.offset());
        {
            auto pin = TRY(window.pin(here.page()), "pinning the boot's memory", here);
            use(MutableBytes(pin.bytes() + here.offset(), bytes), done);
        }
        window.invalidate(here.page());
        done += bytes;
    }
    return rstate::done();
}

rstate::Result<u64> hash(const BootMemory &memory) {
    Xxh64 hash;
    for (u32 i = 0; i < memory.count; ++i)
        TRY(for_each_part(Phys(memory.ranges[i].start), memory.ranges[i].end - memory.ranges[i].start,
                          [&](MutableBytes bytes, u64) { hash.add(bytes); }),
            "hashing kept memory", Phys(memory.ranges[i].start));
    return hash.digest();
}

rstate::Result<> read_handoff(BootMemory &memory, Phys at) {
    memory.handoff_at = at;
    TRY(read_physical(at, {reinterpret_cast<u8 *>(&memory.handoff), sizeof memory.handoff}),
        "reading stage2's hand-off", at);
    if (memory.handoff.magic != boot::Handoff::expected_magic)
        return FAIL(boot::bad_handoff, "stage2's hand-off is overwritten", at, memory.handoff.magic);
    return rstate::done();
}

// Stage1 puts everything into the first MiB, from the hand-off to stage2's end. The loader puts it into an
// area of its own, except for the handover page, through which the cores enter the kernel.
rstate::Result<> find_ranges(BootMemory &memory, u64 handover_page) {
    const boot::Handoff &handoff = memory.handoff;
    u32 bytes = 0;
    TRY(read_physical(Phys(handoff.stage2 + stage2_memory), {reinterpret_cast<u8 *>(&bytes), sizeof bytes}),
        "reading stage2's size");
    memory.ranges[0] = {handoff.kernel, handoff.kernel + handoff.kernel_bytes};
    if (handoff.area_bytes == 0) {
        memory.ranges[1] = {memory.handoff_at.value(), handoff.stage2 + bytes};
        memory.count = 2;
    } else {
        memory.ranges[1] = {handoff.area, handoff.area + handoff.area_bytes};
        memory.ranges[2] = {handover_page, handover_page + page_size};
        memory.count = 3;
    }
    return rstate::done();
}

// Adds the usable memory of [start, end) to `pool`.
rstate::Result<> add_usable(const boot::MemoryMap &map, u64 start, u64 end, FramePool &pool) {
    for (const boot::Range &range : map.ranges()) {
        const u64 from = max(start, range.start), to = min(end, range.end);
        if (from < to)
            TRY(pool.add({Phys(from), to - from, 0, 0, 0}), "adding the boot's memory to the pool",
                Phys(from), to - from);
    }
    return rstate::done();
}

rstate::Result<mm::Owned<boot::MemoryMap>> read_map(const boot::Handoff &handoff) {
    auto entries = TRY(mm::allocate_array<boot::MapEntry>(world->allocator, handoff.map_count),
                       "allocating the firmware's memory map");
    TRY(read_physical(Phys(handoff.map),
                      {reinterpret_cast<u8 *>(entries.data()), entries.size() * sizeof(boot::MapEntry)}),
        "reading the firmware's memory map", handoff.map_count);
    auto map = TRY(mm::allocate<boot::MemoryMap>(world->allocator), "allocating the memory map");
    TRY(map->build(entries.span()), "sorting the firmware's memory map", handoff.map_count);
    return map;
}

} // namespace

rstate::Result<> read_physical(Phys from, MutableBytes to) {
    return for_each_part(from, to.size(), [&](MutableBytes part, u64 done) {
        __builtin_memcpy(to.data() + done, part.data(), part.size());
    });
}

rstate::Result<> write_physical(Phys to, Bytes from) {
    return for_each_part(to, from.size(), [&](MutableBytes part, u64 done) {
        __builtin_memcpy(part.data(), from.data() + done, part.size());
    });
}

u64 BootMemory::bytes() const {
    u64 sum = 0;
    for (u32 i = 0; i < count; ++i) sum += ranges[i].end - ranges[i].start;
    return sum;
}

rstate::Result<> take_boot_memory(const boot::CoreArgs &args, FramePool &pool) {
    TRY(read_handoff(found, Phys(args.handoff)), "finding the hand-off");
    TRY(find_ranges(found, args.handover_page), "finding the ranges that a reboot needs");
    auto map = TRY(read_map(found.handoff), "reading which memory is usable");
    found.kept = found.bytes() <= args.memory_pages * page_size / most_to_keep;
    if (found.kept) {
        found.xxh64 = TRY(hash(found), "hashing what is kept for a reboot");
        for (u32 i = 0; i < found.count; ++i)
            TRY(map->remove(found.ranges[i].start, found.ranges[i].end - found.ranges[i].start),
                "keeping what a reboot needs", Phys(found.ranges[i].start));
    }
    const boot::Handoff &handoff = found.handoff;
    // Some firmware writes into the first MiB behind every operating system's back (System Management Mode,
    // on a change of power or of the screen), so only a small machine uses it. Page 0 stays unused: its
    // address is NULL.
    if (args.memory_pages * page_size <= small_machine)
        TRY(add_usable(*map, page_size, low_memory, pool), "freeing the first MiB");
    TRY(add_usable(*map, handoff.area, handoff.area + handoff.area_bytes, pool),
        "freeing the loader's memory");
    TRY(add_usable(*map, handoff.kernel, handoff.kernel + align_down(handoff.kernel_bytes, page_size), pool),
        "freeing the memory of the kernel's file");
    return rstate::done();
}

const BootMemory &boot_memory() { return found; }

rstate::Result<> check_boot_memory() {
    const u64 now = TRY(hash(found), "hashing what was kept for a reboot");
    if (now != found.xxh64)
        return FAIL(boot::damaged, "the memory that was kept for a reboot has changed", now, found.xxh64,
                    found.bytes());
    return rstate::done();
}

} // namespace kernel
