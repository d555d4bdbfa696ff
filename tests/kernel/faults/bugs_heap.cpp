// tests/kernel/faults/bugs_heap.cpp — injected bugs: reads and writes beside heap blocks and in freed blocks.
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

using Place = PageHeap::Placement;
using enum Touch;

// Touches one byte at this offset from the block's start, then frees the block: the free finds what was
// written into the slack beside it.
template <Place place, u64 size, u64 alignment, i64 offset, Touch touch>
rstate::Result<> beside(const TestContext &) {
    PageHeap heap(world->space, place);
    volatile u8 *victim = TRY(make_block(heap, size, alignment), "making a block");
    touch_byte<touch>(victim + offset);
    free_block(heap, victim, size);
    return rstate::done();
}

template <u64 size, u64 offset, Touch touch> rstate::Result<> after_free(const TestContext &) {
    PageHeap heap(world->space, Place::at_end);
    volatile u8 *victim = TRY(make_block(heap, size), "making a block");
    free_block(heap, victim, size);
    touch_byte<touch>(victim + offset);
    return rstate::done();
}

rstate::Result<> after_many_frees(const TestContext &) {
    constexpr u32 more_than_are_remembered = 1100;
    PageHeap heap(world->space, Place::at_end);
    volatile u8 *victim = TRY(make_block(heap, 64), "making a block");
    free_block(heap, victim, 64);
    for (u32 i = 0; i < more_than_are_remembered; ++i) {
        volatile u8 *other = TRY(make_block(heap, 64), "making another block", i);
        free_block(heap, other, 64);
    }
    touch_byte<read>(victim);
    return rstate::done();
}

// Two cores and one block: one core has it in its TLB, the other frees it; at once after the free the first
// touches it again.
struct Race {
    PageHeap &heap;
    volatile u8 *block;
    bool warm = false, freed = false;
};
void wait_for(const bool &flag) {
    while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE)) {
        cpu::while_waiting();
        cpu::pause();
    }
}
template <Touch touch> void touch_when_freed(Race &race) {
    touch_byte<touch>(race.block);
    __atomic_store_n(&race.warm, true, __ATOMIC_RELEASE);
    wait_for(race.freed);
    touch_byte<touch>(race.block);
}
void free_when_warm(Race &race) {
    wait_for(race.warm);
    free_block(race.heap, race.block, 100);
    __atomic_store_n(&race.freed, true, __ATOMIC_RELEASE);
}
template <u32 toucher, Touch touch> rstate::Result<> touched_on_another_core(const TestContext &) {
    PageHeap heap(world->space, Place::at_end);
    volatile u8 *victim = TRY(make_block(heap, 100), "making a block");
    Race race{heap, victim};
    run_on_cores(2, {[](void *r) {
                         auto &its = *static_cast<Race *>(r);
                         if (current_core() == toucher)
                             touch_when_freed<touch>(its);
                         else
                             free_when_warm(its);
                     },
                     &race});
    return rstate::done();
}

// What a page heap cannot find: the write stays inside writable memory.
struct Pair {
    u8 first[24], second[8];
};
rstate::Result<> past_a_member(const TestContext &) {
    PageHeap heap(world->space, Place::at_end);
    volatile u8 *victim = TRY(make_block(heap, sizeof(Pair)), "making a block");
    touch_byte<write>(victim + sizeof Pair::first);
    free_block(heap, victim, sizeof(Pair));
    return rstate::done();
}
rstate::Result<> past_a_local_array(const TestContext &) {
    volatile Pair pair = {};
    touch_byte<write>(opaque(pair.first) + sizeof pair.first);
    return rstate::done();
}
constinit Pair global_pair = {};
rstate::Result<> past_a_global(const TestContext &) {
    touch_byte<write>(byte_at(reinterpret_cast<u64>(global_pair.first)) + sizeof global_pair.first);
    return rstate::done();
}

constexpr Test bugs[] = {
    {"write-past-member", past_a_member},
    {"write-past-local-array", past_a_local_array},
    {"write-past-global", past_a_global},
    {"write-past-end-1-page", beside<Place::random, page_size, 1, page_size, write>},
    {"read-past-end-1-page", beside<Place::random, page_size, 1, page_size, read>},
    {"write-past-end-2-pages", beside<Place::random, 2 * page_size, 1, 2 * page_size, write>},
    {"read-past-end-2-pages", beside<Place::random, 2 * page_size, 1, 2 * page_size, read>},
    {"write-past-end-3-pages", beside<Place::random, 3 * page_size, 1, 3 * page_size, write>},
    {"read-past-end-3-pages", beside<Place::random, 3 * page_size, 1, 3 * page_size, read>},
    {"write-past-end-align-1", beside<Place::at_end, 101, 1, 101, write>},
    {"read-past-end-align-1", beside<Place::at_end, 101, 1, 101, read>},
    {"write-past-end-align-8", beside<Place::at_end, 104, 8, 104, write>},
    {"read-past-end-align-16", beside<Place::at_end, 4096 + 112, 16, 4096 + 112, read>},
    {"write-past-end-align-64", beside<Place::at_end, 8192 + 192, 64, 8192 + 192, write>},
    {"write-past-end-align-512", beside<Place::at_end, 4096 + 1024, 512, 4096 + 1024, write>},
    {"write-past-end-odd-size", beside<Place::at_end, 100, 16, 100, write>},
    {"read-past-end-odd-size", beside<Place::at_end, 100, 16, 100, read>},
    {"write-past-end-page-aligned", beside<Place::at_end, 6000, 4096, 6000, write>},
    {"write-past-end-at-start", beside<Place::at_start, 100, 4, 100, write>},
    {"read-past-end-at-start", beside<Place::at_start, 100, 4, 100, read>},
    {"write-before-start", beside<Place::at_start, 100, 4, -1, write>},
    {"read-before-start", beside<Place::at_start, 100, 4, -1, read>},
    {"write-before-start-1-page", beside<Place::random, page_size, 1, -1, write>},
    {"read-before-start-3-pages", beside<Place::random, 3 * page_size, 1, -1, read>},
    {"write-before-start-at-end", beside<Place::at_end, 100, 4, -1, write>},
    {"read-before-start-at-end", beside<Place::at_end, 100, 4, -1, read>},
    {"write-far-in-slack", beside<Place::at_end, 100, 4, -2000, write>},
    {"write-far-behind-in-slack", beside<Place::at_start, 4096 + 100, 4, 4096 + 3000, write>},
    {"write-a-page-beyond", beside<Place::at_end, 100, 4, 100 + page_size, write>},
    {"read-a-page-before", beside<Place::at_start, 100, 4, -1 - i64{page_size}, read>},
    {"read-after-free", after_free<100, 0, read>},
    {"write-after-free", after_free<100, 99, write>},
    {"write-after-free-third-page", after_free<3 * page_size, 2 * page_size + 5, write>},
    {"read-past-end-after-free", after_free<100, 100, read>},
    {"read-after-many-frees", after_many_frees},
    {"read-after-free-on-another-core", touched_on_another_core<1, read>},
    {"read-after-free-by-another-core", touched_on_another_core<0, read>},
    {"write-after-free-on-another-core", touched_on_another_core<1, write>},
};

} // namespace

constinit const BugList heap_bugs = bugs;

} // namespace kernel
