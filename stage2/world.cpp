// stage2/world.cpp — see world.h.
#include "stage2/world.h"

#include "boot/codes.h"

namespace stage2 {

namespace {

constexpr u64 largest_kernel_pages = 1024; // 4 MiB: chosen, ten times what it is
// The frame of each page of the kernel's image, for as long as it is being loaded.
constinit Phys image_frames[largest_kernel_pages];

u8 *bytes_of(Phys frame) { return pointer_to<u8>(Virt(frame.value())); }

} // namespace

rstate::Result<World> World::make(mm::IdentityMemory &memory, mm::BootFrames frames, KeyedRandom &random) {
    Table table = TRY(Table::make(memory, frames), "making the kernel's top page table");
    return World(table, frames, random);
}

rstate::Result<Phys> World::fresh_frame() {
    const Phys frame = TRY(frames_.allocate(mm::Owner::boot), "taking a frame for the kernel's world");
    cpu::fill_page(bytes_of(frame), 0);
    return frame;
}

// All of [first - 1 page, first + pages + 1 page) has no entry, not even a table that somebody owns.
rstate::Result<bool> World::is_free(Virt first, u64 pages) {
    for (u64 i = 0; i < pages + 2; ++i) {
        const Virt page = first - page_size + i * page_size;
        const mm::Location at = TRY(table_.locate(page), "looking whether a page is free", page);
        // A window's table is empty but taken: whole 2 MiB regions with a table are left alone.
        if (at.level == 0 || !at.entry.empty()) return false;
    }
    return true;
}

rstate::Result<Virt> World::place(u64 pages, u64 alignment) {
    constexpr u32 tries = 1000; // one in millions fails when a few thousand of 2^36 pages are taken
    for (u32 i = 0; i < tries; ++i) {
        const u64 bits = align_down(random_->next() & ((1ul << 48) - 1), alignment);
        const Virt candidate = mm::HostFormat::address(bits);
        if (!mm::placeable(candidate, pages * page_size)) continue;
        if (TRY(is_free(candidate, pages), "trying a random place", candidate, pages)) return candidate;
    }
    return FAIL(boot::too_little_memory, "no free place in the address space", pages, alignment);
}

rstate::Result<Virt> World::map_fresh(u64 pages, mm::Permissions allowed) {
    const Virt base = TRY(place(pages, page_size), "placing fresh memory", pages);
    for (u64 i = 0; i < pages; ++i) {
        const Phys frame = TRY(fresh_frame(), "filling fresh memory", i, pages);
        TRY(table_.map(base + i * page_size, frame, allowed, frames_), "mapping fresh memory", base, i);
    }
    return base;
}

rstate::Result<Mapped> World::map_page(mm::Permissions allowed) {
    const Virt address = TRY(place(1, page_size), "placing a page");
    const Phys frame = TRY(fresh_frame(), "taking the page's frame");
    TRY(table_.map(address, frame, allowed, frames_), "mapping a page", address);
    return Mapped{address, frame};
}

rstate::Result<Virt> World::map_existing(Phys first, u64 bytes) {
    const u64 pages = align_up(bytes, page_size) / page_size;
    const Virt base = TRY(place(pages, page_size), "placing memory that exists", first, bytes);
    for (u64 i = 0; i < pages; ++i)
        TRY(table_.map(base + i * page_size, first + i * page_size, mm::read_only, frames_),
            "mapping memory that exists", base, i);
    return base;
}

rstate::Result<> World::map_handover(Phys page) {
    TRY(table_.map(Virt(page.value()), page, mm::read_execute, frames_), "mapping the hand-over page", page);
    return {};
}

rstate::Result<> World::make_window(mm::CoreSeed &seed) {
    seed.window_base = TRY(place(mm::entries_per_table, mm::window_bytes), "placing a window");
    const mm::Location at =
        TRY(table_.prepare(seed.window_base, frames_), "making a window's table", seed.window_base);
    seed.window_table_frame = at.table;
    seed.window_table = TRY(place(1, page_size), "placing a window's table");
    TRY(table_.map(seed.window_table, at.table, mm::read_write, frames_), "mapping a window's table", seed.window_table);
    return {};
}

rstate::Result<> World::load_segment(const boot::Segment &segment) {
    for (u64 page = segment.first_page(); page < segment.end_page(); page += page_size) {
        const Phys frame = TRY(fresh_frame(), "taking a frame for a segment", page);
        image_frames[page / page_size] = frame;
        for (u64 i = 0; i < page_size; ++i) {
            const u64 at = page + i - segment.address;
            if (page + i >= segment.address && at < segment.bytes.size())
                bytes_of(frame)[i] = segment.bytes[at];
        }
    }
    return {};
}

rstate::Result<> World::relocate(const boot::Elf &elf, Virt base) {
    boot::Relocations all = TRY(elf.relocations(), "finding the kernel's relocations");
    boot::Relocation one;
    while (TRY(all.next(one), "reading a relocation")) {
        const Phys frame = image_frames[one.address / page_size];
        *reinterpret_cast<u64 *>(bytes_of(frame) + one.address % page_size) = base.value() + one.addend;
    }
    return {};
}

rstate::Result<> World::map_segment(const boot::Segment &segment, Virt base) {
    const mm::Permissions allowed{segment.writable, segment.executable};
    for (u64 page = segment.first_page(); page < segment.end_page(); page += page_size)
        TRY(table_.map(base + page, image_frames[page / page_size], allowed, frames_), "mapping the kernel",
            base, page);
    return {};
}

rstate::Result<LoadedKernel> World::load_kernel(Bytes file) {
    const boot::Elf elf = TRY(boot::Elf::parse(file), "parsing the kernel");
    const u64 pages = elf.end() / page_size;
    if (!elf.position_independent() || pages == 0 || pages > largest_kernel_pages)
        return FAIL(boot::damaged, "the kernel is not an image of ours", pages);
    LoadedKernel kernel;
    kernel.base = TRY(place(pages, page_size), "placing the kernel", pages);
    kernel.entry = kernel.base + elf.entry();
    kernel.bytes = pages * page_size;
    for (u32 i = 0; i < elf.segment_count(); ++i) {
        const boot::Segment segment = elf.segment(i);
        if (segment.kind != boot::SegmentKind::load) continue;
        if (segment.executable) kernel.text_bytes = segment.end_page();
        TRY(load_segment(segment), "loading a segment of the kernel", i);
    }
    TRY(relocate(elf, kernel.base), "relocating the kernel", kernel.base);
    for (u32 i = 0; i < elf.segment_count(); ++i)
        if (elf.segment(i).kind == boot::SegmentKind::load)
            TRY(map_segment(elf.segment(i), kernel.base), "mapping a segment of the kernel", i);
    return kernel;
}

} // namespace stage2
