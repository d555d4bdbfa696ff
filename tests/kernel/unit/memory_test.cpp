// tests/kernel/unit/memory_test.cpp — memory management on the machine.
#include "kernel/smp/jobs.h"
#include "kernel/world.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

rstate::Result<> no_page_is_writable_and_executable(const TestContext &) {
    u64 pages = 0;
    TRY(world->space.table().visit([&](Virt address, const mm::Location &at) -> rstate::Result<> {
        if (!at.entry.present()) return rstate::done();
        ++pages;
        EXPECT(!(at.entry.writable() && at.entry.executable()), address);
        EXPECT(at.level == 0, address); // no large page: nothing maps memory linearly
        return rstate::done();
    }),
        "walking the live tables");
    EXPECT(pages > 100, pages);
    return rstate::done();
}
RL_TEST(no_page_is_writable_and_executable);

rstate::Result<> nothing_of_the_boot_is_mapped(const TestContext &context) {
    for (const u64 address :
         {0ul, context.args.handover_page, 0x7C00ul, 0x10000ul, 0xB8000ul, 0x1000000ul, 0xFEE00000ul}) {
        auto found = world->space.table().translate(Virt(address));
        EXPECT(!found.ok() && found.error().is(mm::not_mapped), Virt(address));
        rstate::handled(std::move(found));
    }
    return rstate::done();
}
RL_TEST(nothing_of_the_boot_is_mapped);

rstate::Result<> freed_memory_can_be_allocated_again(const TestContext &) {
    world->space.drain_quarantine();
    const u64 before = world->frames.free_frames(), live = world->heap.live_blocks();
    for (u32 i = 0; i < 2000; ++i) {
        auto block = TRY(mm::allocate_array<u64>(world->allocator, 1 + i * 7 % 3000), "allocating", i);
        block[block.size() - 1] = i;
    }
    world->space.drain_quarantine();
    EXPECT(world->heap.live_blocks() == live);
    EXPECT(world->frames.free_frames() == before, world->frames.free_frames(), before);
    return rstate::done();
}
RL_TEST(freed_memory_can_be_allocated_again);

rstate::Result<> fresh_memory_is_not_zero_and_blocks_lie_apart(const TestContext &) {
    const mm::AllocationSite site{"bytes", __FILE__, __func__, __LINE__};
    const Virt block = TRY(world->heap.allocate(100, 4, site), "allocating");
    const u64 word = *pointer_to<u64>(block);
    auto before = world->space.table().translate(block.page() - page_size);
    auto behind = world->space.table().translate(block.page() + page_size);
    const bool alone = !before.ok() && !behind.ok();
    rstate::handled(std::move(before)), rstate::handled(std::move(behind));
    world->heap.free(block, 100, __builtin_return_address(0));
    EXPECT(word == mm::fresh_word, word);
    EXPECT(alone, block);
    return rstate::done();
}
RL_TEST(fresh_memory_is_not_zero_and_blocks_lie_apart);

// Every core reads a page, then core 0 frees it: afterwards no core can reach the frame, so it can be reused.
struct Shared {
    volatile u64 *word;
    u64 seen[max_cores];
};
rstate::Result<> every_core_drops_the_mapping_of_a_freed_page(const TestContext &context) {
    for (u32 round = 0; round < 50; ++round) {
        auto block = TRY(mm::allocate_array<u64>(world->allocator, 512), "allocating what all cores read");
        block[0] = round + 1;
        auto shared = TRY(mm::allocate<Shared>(world->allocator), "allocating the cores' results");
        shared->word = block.data();
        run_on_cores(context.args.core_count, {[](void *s) {
                                                   auto &all = *static_cast<Shared *>(s);
                                                   all.seen[current_core()] = *all.word;
                                               },
                                               shared.get()});
        for (u32 core = 0; core < context.args.core_count; ++core)
            EXPECT(shared->seen[core] == round + 1, core, round);
        const Phys frame =
            TRY(world->space.table().translate(virt_of(block.data()).page()), "finding the frame");
        block.reset();
        for (u32 core = 0; core < context.args.core_count; ++core)
            EXPECT(!world->windows.of(core)->reaches(frame), core, frame);
    }
    return rstate::done();
}
RL_TEST(every_core_drops_the_mapping_of_a_freed_page);

rstate::Result<> the_513th_pin_is_an_error(const TestContext &) {
    struct Pins {
        Windows::Pin *pins;
        u32 count;
        ~Pins() {
            while (count > 0) pins[--count].~Pin();
        }
    };
    struct alignas(alignof(Windows::Pin)) Place {
        u8 bytes[sizeof(Windows::Pin)];
    };
    auto places =
        TRY(mm::allocate_array<Place>(world->allocator, mm::Window::slot_count + 1), "allocating pins");
    auto frames = TRY(mm::allocate_array<Phys>(world->allocator, mm::Window::slot_count + 1),
                      "allocating frames' list");
    u32 failed_at = 0;
    for (Phys &frame : frames) frame = TRY(world->frames.allocate(mm::Owner::device), "taking a frame");
    {
        Pins held{reinterpret_cast<Windows::Pin *>(places.data()), 0};
        for (const Phys frame : frames) {
            auto pin = world->windows.pin(frame);
            if (!pin.ok()) {
                failed_at = held.count;
                EXPECT(pin.error().is(mm::no_slot));
                rstate::handled(std::move(pin));
                break;
            }
            new (held.pins + held.count++) Windows::Pin(pin.take());
        }
    }
    for (const Phys frame : frames) world->frames.free(frame, mm::Owner::device);
    EXPECT(failed_at > 400 && failed_at <= mm::Window::slot_count, failed_at); // the kernel holds some itself
    return rstate::done();
}
RL_TEST(the_513th_pin_is_an_error);

} // namespace

} // namespace kernel
