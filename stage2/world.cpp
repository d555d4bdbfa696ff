// stage2/world.cpp — see world.h.
#include "stage2/world.h"

#include "boot/formats/codes.h"

namespace stage2 {

namespace {

u8 *bytes_of(Phys frame) { return pointer_to<u8>(Virt(frame.value())); }

} // namespace

rstate::Result<World> World::make(mm::IdentityMemory &memory, mm::BootFrames frames, KeyedRandom &random) {
    Table table = TRY(Table::make(memory, frames), "making the kernel's top page table");
    return World(table, frames, random);
}

// True when [first - 1 page, first + pages + 1 page) has no entry and no window's table.
rstate::Result<bool> World::is_free(Virt first, u64 pages) {
    for (u64 i = 0; i < pages + 2; ++i) {
        const Virt page = first - page_size + i * page_size;
        const mm::Location at = TRY(table_.locate(page), "checking that a page is free", page);
        // A window's table is empty but in use: a region of 2 MiB that has a table counts as taken.
        if (at.level == 0 || !at.entry.empty()) return false;
    }
    return true;
}

// Address randomisation (KASLR): every address bit above the alignment is uniform and independent. A place is
// free only with an unmapped page on each side.
rstate::Result<Virt> World::random_place(u64 pages, u64 alignment) {
    constexpr u32 tries = 1000; // a few thousand of 2^36 pages are taken: one place in millions is not free
    for (u32 i = 0; i < tries; ++i) {
        const u64 bits = align_down(random_->next() & ((1ul << 48) - 1), alignment);
        const Virt candidate = mm::HostFormat::address(bits);
        if (!mm::placeable(candidate, pages * page_size)) continue;
        if (TRY(is_free(candidate, pages), "trying a random place", candidate, pages)) return candidate;
    }
    return FAIL(boot::too_little_memory, "no random place was free", pages, alignment);
}

rstate::Result<Phys> World::map_new(Virt page, mm::Permissions allowed) {
    const Phys frame = TRY(frames_.allocate(mm::Owner::boot), "taking a frame for the kernel", page);
    cpu::fill_page(bytes_of(frame), 0);
    TRY(table_.map(page, frame, allowed, frames_), "mapping a new frame", page, frame);
    return frame;
}

rstate::Result<Virt> World::map_fresh(u64 pages, mm::Permissions allowed) {
    const Virt base = TRY(random_place(pages, page_size), "choosing the address of new memory", pages);
    for (u64 i = 0; i < pages; ++i)
        TRY(map_new(base + i * page_size, allowed), "mapping new memory", base, i);
    return base;
}

rstate::Result<Mapped> World::map_page(mm::Permissions allowed) {
    const Virt address = TRY(random_place(1, page_size), "choosing a page's address");
    return Mapped{address, TRY(map_new(address, allowed), "mapping a page", address)};
}

rstate::Result<Virt> World::map_existing(Phys first, u64 bytes, mm::Permissions allowed) {
    const u64 pages = align_up(bytes, page_size) / page_size;
    const Virt base = TRY(random_place(pages, page_size), "choosing an address", first, bytes);
    for (u64 i = 0; i < pages; ++i)
        TRY(table_.map(base + i * page_size, first + i * page_size, allowed, frames_),
            "mapping existing memory", base, i);
    return base;
}

rstate::Result<> World::map_handover(Phys page) {
    TRY(table_.map(Virt(page.value()), page, mm::read_execute, frames_), "mapping the hand-over page", page);
    return {};
}

rstate::Result<> World::make_window(mm::CoreSeed &seed) {
    seed.window_base =
        TRY(random_place(mm::entries_per_table, mm::window_bytes), "choosing a window's address");
    const mm::Location at =
        TRY(table_.prepare(seed.window_base, frames_), "making a window's table", seed.window_base);
    seed.window_table_frame = at.table;
    // Marked as a window's, so that the kernel maps nothing there before the window's core takes it over.
    u64 *slots = reinterpret_cast<u64 *>(bytes_of(at.table));
    for (u32 slot = 0; slot < mm::entries_per_table; ++slot)
        slots[slot] = mm::absent_entry(mm::AbsentKind::window).raw;
    seed.window_table =
        TRY(map_existing(at.table, page_size, mm::read_write), "mapping a window's table", at.table);
    return {};
}

rstate::Result<> World::load_segment(const KernelFile::Segment &segment, Virt base) {
    const mm::Permissions allowed{segment.writable, segment.executable};
    for (u64 page = segment.first_page(); page < segment.end_page(); page += page_size) {
        const Phys frame = TRY(map_new(base + page, allowed), "mapping the kernel", base, page);
        const u64 from = max(page, segment.address);
        const u64 to = min(page + page_size, segment.address + segment.bytes.size());
        if (from < to)
            __builtin_memcpy(bytes_of(frame) + (from - page), segment.bytes.data() + (from - segment.address),
                             to - from);
    }
    return {};
}

rstate::Result<LoadedKernel> World::load_kernel(MutableBytes file) {
    KernelFile kernel = TRY(KernelFile::parse(file), "reading the kernel's ELF file");
    // Chooses the kernel base (KASLR).
    const Virt base =
        TRY(random_place(kernel.pages(), page_size), "choosing the kernel base", kernel.pages());
    TRY(kernel.relocate(base.value()), "relocating the kernel", base);
    TRY(kernel.for_each_segment(
            [&](const KernelFile::Segment &segment) { return load_segment(segment, base); }),
        "mapping the kernel's segments", base);
    return LoadedKernel{kernel.build_id(), base, base + kernel.entry(), kernel.pages() * page_size,
                        kernel.text_bytes()};
}

} // namespace stage2
