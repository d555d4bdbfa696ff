// tests/kernel/unit/bounds_test.cpp — an access to one byte beside a block, for every size, alignment,
// placement and kind of access: that instruction raises a page fault, whose explanation names the block.
#include "cpu/registers.h"
#include "kernel/world.h"
#include "tests/kernel/interrupt_hook.h"
#include "tests/kernel/unit/test.h"

extern "C" {
// Read or write one byte. The instruction that does it is at touch_read_at or touch_write_at, the next one at
// ..._behind.
void touch_read(const volatile void *byte);
void touch_write(volatile void *byte);
extern const u8 touch_read_at[], touch_read_behind[], touch_write_at[], touch_write_behind[];
}

namespace kernel {

namespace {

constexpr u32 line_of_the_block = 7;

struct Seen {
    bool faulted = false;
    u64 address = 0, rip = 0, error_code = 0;
};
constinit Seen seen;

// Instead of the kernel's own handler: stores what it sees and continues after the instruction.
void note_and_skip(TrapFrame &frame) {
    seen = {true, cpu::read_cr2(), frame.rip, frame.error_code};
    const u8 *const rip = reinterpret_cast<const u8 *>(frame.rip);
    if (rip == touch_read_at)
        frame.rip = reinterpret_cast<u64>(touch_read_behind);
    else if (rip == touch_write_at)
        frame.rip = reinterpret_cast<u64>(touch_write_behind);
    else
        unhook_vector(); // another fault: the kernel's handler reports it
}

struct Case {
    PageHeap::Placement place;
    u64 size, alignment;
    i64 offset; // of the byte, from the block's start
    bool write;
};

rstate::Result<> touch_one(const Case &c) {
    PageHeap heap(world->space, c.place);
    const Virt block =
        TRY(heap.allocate(c.size, c.alignment, {"bounded", "bounds_test", "", line_of_the_block}),
            "allocating", c.size, c.alignment);
    const Virt byte = block + static_cast<u64>(c.offset);
    seen = {};
    hook_vector(static_cast<u64>(cpu::Vector::page_fault), note_and_skip);
    if (c.write)
        touch_write(pointer_to<volatile u8>(byte));
    else
        touch_read(pointer_to<volatile u8>(byte));
    unhook_vector();
    const mm::Explanation what = world->space.explain(byte, seen.error_code);
    heap.free(block, c.size, __builtin_return_address(0));
    const u8 *const where = c.write ? touch_write_at : touch_read_at;
    EXPECT(seen.faulted && seen.address == byte.value(), c.size, c.alignment, c.offset, seen.address);
    EXPECT(seen.rip == reinterpret_cast<u64>(where), Virt(seen.rip), c.size, c.alignment, c.offset);
    EXPECT(what.code == &mm::out_of_bounds && what.range.block == block, what.text, what.address, block);
    EXPECT(what.range.site.line == line_of_the_block && what.range.made_by == current_core() &&
               what.range.size == c.size,
           what.range.site.line, what.range.made_by, what.range.size);
    return rstate::done();
}

rstate::Result<> touch_beside(PageHeap::Placement place, u64 size, u64 alignment, bool behind, bool before) {
    for (const bool write : {false, true}) {
        if (behind)
            TRY(touch_one({place, size, alignment, static_cast<i64>(size), write}),
                "touching the byte behind a block", size, alignment, write);
        if (before)
            TRY(touch_one({place, size, alignment, -1, write}), "touching the byte before a block", size,
                alignment, write);
    }
    return rstate::done();
}

// A block whose size is a multiple of its alignment ends at its page's end, or begins at its page's start,
// without slack; a block of whole pages has no slack on either side.
rstate::Result<> one_byte_beside_any_block_faults_and_is_explained(const TestContext &) {
    using Place = PageHeap::Placement;
    for (u64 alignment = 1; alignment <= page_size; alignment *= 2) {
        for (u64 pages = 1; pages <= 3; ++pages) {
            const u64 whole = pages * page_size, less = whole - alignment;
            for (const Place place : {Place::at_end, Place::at_start})
                TRY(touch_beside(place, whole, alignment, true, true), "a block of whole pages", pages);
            if (less == 0) continue;
            TRY(touch_beside(Place::at_end, less, alignment, true, false), "a block at its page's end",
                pages);
            TRY(touch_beside(Place::at_start, less, alignment, false, true), "a block at its page's start",
                pages);
        }
    }
    return rstate::done();
}
RL_TEST(one_byte_beside_any_block_faults_and_is_explained);

} // namespace

} // namespace kernel
