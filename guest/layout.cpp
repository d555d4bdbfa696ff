// guest/layout.cpp — see layout.h.
#include "guest/layout.h"

#include "guest/codes.h"

namespace guest {

namespace {

// Page tables other than the first-level ones of the ELF: the root; one for the stub; for the lower part
// three second-level and one third-level, and one first-level at each end of its shadow; one of each level at
// each end of the upper part's shadow; two second-level and one third-level for the heap, as many for the
// mappings and files, and as many for the shadow of each of the two; three shared tables of zeros.
constexpr u64 fixed_tables = 1 + 1 + 3 + 1 + 2 + 2 * 3 + 4 * 3 + 3;
constexpr u32 max_segments = 12;

static_assert(break_base + break_size <= RL_INPUT_BASE);
static_assert(RL_INPUT_BASE + RL_INPUT_SIZE <= stack_bottom - RL_STACK_GUARD_SIZE);
static_assert(RL_HEAP_BASE > shadow_end, "the heap's shadow is a part of the upper shadow");
static_assert(RL_HEAP_BASE + RL_HEAP_SIZE < RL_MAPPING_BASE);
static_assert(RL_MAPPING_BASE + RL_MAPPING_SIZE < RL_FILES_BASE);
static_assert(RL_FILES_BASE + RL_FILES_SIZE < 1ul << 47);
static_assert(RL_MAPPING_BASE % large_page_size == 0 && RL_MAPPING_SIZE % large_page_size == 0);
static_assert(RL_FILES_BASE % large_page_size == 0 && RL_FILES_SIZE % large_page_size == 0);
static_assert(RL_HEAP_BASE % large_page_size == 0 && RL_HEAP_SIZE % large_page_size == 0);
static_assert(RL_INPUT_BASE % large_page_size == 0 && RL_INPUT_SIZE % large_page_size == 0);
static_assert(stack_bottom % large_page_size == 0 && RL_STACK_SIZE % large_page_size == 0);

} // namespace

rstate::Result<GuestLayout> GuestLayout::make(const boot::Elf &elf) {
    if (elf.start() < RL_ELF_BASE || elf.end() > break_base)
        return FAIL(target_too_large, "the program does not lie between its base and the program break",
                    elf.start(), elf.end(), RL_ELF_BASE, break_base);
    GuestLayout layout;
    const u64 image_tables =
        (align_up(elf.end(), large_page_size) - align_down(elf.start(), large_page_size)) / large_page_size;
    layout.table_pages_ = fixed_tables + image_tables;
    layout.next_ = layout.stub_page() + page_size;
    TRY(layout.add_image(elf), "placing the program's segments");
    layout.next_ = GuestPhys(align_up(layout.next_.value(), large_page_size));
    layout.add_large("program break", break_base, break_size);
    layout.add_large("heap", RL_HEAP_BASE, RL_HEAP_SIZE);
    layout.add_large("input", RL_INPUT_BASE, RL_INPUT_SIZE);
    layout.add_large("stack", stack_bottom, RL_STACK_SIZE);
    layout.add_large("mappings", RL_MAPPING_BASE, RL_MAPPING_SIZE);
    layout.add_large("files", RL_FILES_BASE, RL_FILES_SIZE);
    layout.target_count_ = layout.count_;
    layout.add_shadow("shadow of the program", elf.start(), elf.end() - elf.start());
    layout.heap_shadow_ = layout.add_shadow("shadow of the heap", RL_HEAP_BASE, RL_HEAP_SIZE);
    layout.add_shadow("shadow of the input", RL_INPUT_BASE, RL_INPUT_SIZE);
    layout.add_shadow("shadow of the stack", stack_bottom, RL_STACK_SIZE);
    layout.add_shadow("shadow of the mappings", RL_MAPPING_BASE, RL_MAPPING_SIZE); // stacks of threads
    layout.spare_tables_ = layout.next_;
    layout.next_ += spare_table_pages * page_size;
    return layout;
}

rstate::Result<void> GuestLayout::add_image(const boot::Elf &elf) {
    for (u32 i = 0; i < elf.segment_count(); ++i) {
        const boot::Segment s = elf.segment(i);
        if (s.kind != boot::SegmentKind::load || s.memory_size == 0) continue;
        if (count_ == max_segments)
            return FAIL(unsupported_target, "the program has too many segments", count_);
        add({.name = "program",
             .address = s.first_page(),
             .size = s.end_page() - s.first_page(),
             .writable = s.writable,
             .executable = s.executable});
    }
    return rstate::done();
}

void GuestLayout::add_large(const char *name, u64 address, u64 size) {
    add({.name = name, .address = address, .size = size, .writable = true, .large = true});
}

// Rounds out to whole large pages: the added part is shadow of memory that is not mapped. Returns where the
// shadow of `address` is.
GuestPhys GuestLayout::add_shadow(const char *name, u64 address, u64 size) {
    const u64 start = align_down(RL_SHADOW_OF(address), large_page_size);
    add_large(name, start, align_up(RL_SHADOW_OF(address + size), large_page_size) - start);
    return regions_[count_ - 1].physical + (RL_SHADOW_OF(address) - start);
}

void GuestLayout::add(const Region &region) {
    CHECK(count_ < max_regions, "there is room for every region of a layout", count_);
    regions_[count_] = region;
    regions_[count_++].physical = next_;
    next_ += region.size;
}

const Region *GuestLayout::find(u64 address, u64 size) const {
    for (u32 i = 0; i < target_count_; ++i)
        if (regions_[i].holds(address, size)) return &regions_[i];
    return nullptr;
}

bool GuestLayout::writable(u64 address, u64 size) const {
    const Region *region = find(address, size);
    return region != nullptr && region->writable;
}

} // namespace guest
