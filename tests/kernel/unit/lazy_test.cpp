// tests/kernel/unit/lazy_test.cpp — lazy and copy-on-write ranges, by real page faults: the pager runs on the
// core that touched the page, while the other cores continue.
#include "kernel/smp/jobs.h"
#include "kernel/world.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

constexpr mm::AllocationSite site{"lazy", "tests/kernel/unit/lazy_test.cpp"};

rstate::Result<mm::Range> reserve(u64 pages, const mm::Pager &pager) {
    return TRY(world->space.reserve(
                   {pages, site, mm::RangeKind::lazy, mm::Owner::heap, mm::read_write, &pager, 0, 0}),
               "reserving a lazy range", pages);
}
volatile u8 &byte_of(const mm::Range &range, u64 page, u64 offset = 0) {
    return *pointer_to<volatile u8>(range.page(page) + offset);
}

// Runs one function on core 0 and the other on core 1, at the same time.
template <class Zero, class One> void on_two_cores(Zero &&zero, One &&one) {
    struct Both {
        Zero &zero;
        One &one;
    } both{zero, one};
    run_on_cores(2, {[](void *given) {
                         auto &its = *static_cast<Both *>(given);
                         if (current_core() == 0)
                             its.zero();
                         else
                             its.one();
                     },
                     &both});
}

// A pager that counts its calls; a page's first byte is the page's number plus one.
struct Pages {
    u32 asked = 0;
    static rstate::Result<void> fill(void *self, u64 page, u8 *bytes) {
        __atomic_add_fetch(&static_cast<Pages *>(self)->asked, 1, __ATOMIC_RELAXED);
        cpu::fill_page(bytes, 0);
        bytes[0] = static_cast<u8>(page + 1);
        return rstate::done();
    }
};

rstate::Result<> lazy_pages_are_filled_when_they_are_touched(const TestContext &) {
    Pages pages;
    const mm::Pager pager{&pages, Pages::fill, nullptr};
    const mm::Range range = TRY(reserve(100, pager), "reserving");
    for (const u64 page : {0ul, 99ul, 50ul, 99ul}) EXPECT(byte_of(range, page) == page + 1, page);
    byte_of(range, 50, 7) = 77;
    EXPECT(byte_of(range, 50, 7) == 77 && pages.asked == 3, pages.asked);
    TRY(world->space.unmap_and_free(range, nullptr), "ending the range");
    return rstate::done();
}
RL_TEST(lazy_pages_are_filled_when_they_are_touched);

rstate::Result<> a_write_copies_a_shared_page_for_every_core(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    Phys shared = TRY(world->frames.allocate(mm::Owner::snapshot), "allocating a page to share");
    {
        auto pin = TRY(world->windows.pin(shared), "filling it");
        cpu::fill_page(pin.bytes(), 0x0101'0101'0101'0101);
    }
    const mm::Pager pager{&shared, nullptr, [](void *frame, u64) -> rstate::Result<Phys> {
                              return *static_cast<Phys *>(frame);
                          }};
    const mm::Range range = TRY(reserve(2, pager), "reserving");
    bool warm = false, written = false;
    u8 before = 0, after = 0;
    on_two_cores(
        [&] {
            before = byte_of(range, 0, 5); // from now on this core has the shared page in its TLB
            __atomic_store_n(&warm, true, __ATOMIC_RELEASE);
            while (!__atomic_load_n(&written, __ATOMIC_ACQUIRE)) cpu::pause();
            after = byte_of(range, 0, 5);
        },
        [&] {
            while (!__atomic_load_n(&warm, __ATOMIC_ACQUIRE)) cpu::pause();
            byte_of(range, 0, 5) = 9;
            __atomic_store_n(&written, true, __ATOMIC_RELEASE);
        });
    EXPECT(before == 1 && after == 9, before, after);
    EXPECT(byte_of(range, 1, 5) == 1 && byte_of(range, 0, 6) == 1);
    TRY(world->space.unmap_and_free(range, nullptr), "ending the range");
    {
        auto pin = TRY(world->windows.pin(shared), "reading the shared page");
        EXPECT(pin.bytes()[5] == 1);
    }
    world->frames.free(shared, mm::Owner::snapshot);
    return rstate::done();
}
RL_TEST(a_write_copies_a_shared_page_for_every_core);

// Core 1's pager waits until core 0 has freed blocks, for which core 1 must answer TLB shootdowns meanwhile.
struct Sleeper {
    bool asleep = false, wake = false;
    static rstate::Result<void> fill(void *self, u64, u8 *bytes) {
        auto &sleeper = *static_cast<Sleeper *>(self);
        __atomic_store_n(&sleeper.asleep, true, __ATOMIC_RELEASE);
        while (!__atomic_load_n(&sleeper.wake, __ATOMIC_ACQUIRE)) cpu::pause();
        bytes[0] = 42;
        return rstate::done();
    }
};
rstate::Result<> while_a_pager_sleeps_other_cores_free(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    Sleeper sleeper;
    const mm::Pager pager{&sleeper, Sleeper::fill, nullptr};
    const mm::Range range = TRY(reserve(1, pager), "reserving");
    u8 seen = 0;
    rstate::Error failed;
    on_two_cores(
        [&] {
            while (!__atomic_load_n(&sleeper.asleep, __ATOMIC_ACQUIRE)) cpu::pause();
            for (u32 i = 0; i < 20 && !failed.present(); ++i) {
                auto block = mm::allocate_array<u64>(world->allocator, 600);
                if (!block.ok()) failed = block.take_error();
            }
            __atomic_store_n(&sleeper.wake, true, __ATOMIC_RELEASE);
        },
        [&] { seen = byte_of(range, 0); });
    if (failed.present()) return WRAP(std::move(failed), "allocating while a pager sleeps");
    EXPECT(seen == 42, seen);
    TRY(world->space.unmap_and_free(range, nullptr), "ending the range");
    return rstate::done();
}
RL_TEST(while_a_pager_sleeps_other_cores_free);

// The outer range's pager reads the inner range, whose page is not mapped yet, either.
rstate::Result<> a_pager_may_fault_itself(const TestContext &) {
    Pages pages;
    const mm::Pager inner_pager{&pages, Pages::fill, nullptr};
    mm::Range inner = TRY(reserve(3, inner_pager), "reserving the inner range");
    const mm::Pager outer_pager{&inner,
                                [](void *given, u64 page, u8 *bytes) -> rstate::Result<void> {
                                    bytes[0] = static_cast<u8>(
                                        byte_of(*static_cast<mm::Range *>(given), page) + 100);
                                    return rstate::done();
                                },
                                nullptr};
    const mm::Range outer = TRY(reserve(3, outer_pager), "reserving the outer range");
    EXPECT(byte_of(outer, 2) == 103, byte_of(outer, 2));
    EXPECT(pages.asked == 1, pages.asked);
    TRY(world->space.unmap_and_free(outer, nullptr), "ending the outer range");
    TRY(world->space.unmap_and_free(inner, nullptr), "ending the inner range");
    return rstate::done();
}
RL_TEST(a_pager_may_fault_itself);

} // namespace

} // namespace kernel
