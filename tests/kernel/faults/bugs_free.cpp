// tests/kernel/faults/bugs_free.cpp — injected bugs: wrong frees of heap blocks.
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

constexpr u64 size = 100;

template <i64 offset, u64 freed_size> rstate::Result<> wrong_free(const TestContext &) {
    volatile u8 *victim = TRY(make_block(world->heap, size), "making a block");
    free_block(world->heap, victim + offset, freed_size);
    return rstate::done();
}

rstate::Result<> double_free(const TestContext &) {
    volatile u8 *victim = TRY(make_block(world->heap, size), "making a block");
    free_block(world->heap, victim, size);
    free_block(world->heap, victim, size);
    return rstate::done();
}

[[gnu::noinline]] rstate::Result<> free_elsewhere(volatile u8 *block) {
    free_block(world->heap, block, size);
    return rstate::done(); // no tail call: the chain must name this function as the place of the free
}
rstate::Result<> double_free_by_another_core(const TestContext &) {
    volatile u8 *victim = TRY(make_block(world->heap, size), "making a block");
    run_on_core(1, 2, [&] { rstate::handled(free_elsewhere(victim)); });
    free_block(world->heap, victim, size);
    return rstate::done();
}

rstate::Result<> free_of_the_stack(const TestContext &) {
    volatile u8 local[size] = {};
    free_block(world->heap, opaque(local), size);
    return rstate::done();
}
rstate::Result<> free_of_a_constant(const TestContext &context) {
    free_block(world->heap, byte_at(context.args.kernel_base), size);
    return rstate::done();
}
rstate::Result<> free_of_a_pinned_frame(const TestContext &) {
    const Phys frame = TRY(world->frames.allocate(mm::Owner::device), "allocating a frame");
    auto pin = TRY(world->windows.pin(frame), "pinning a frame", frame);
    free_block(world->heap, pin.bytes(), size);
    return rstate::done();
}
template <u64 address> rstate::Result<> free_of(const TestContext &) {
    free_block(world->heap, byte_at(address), size);
    return rstate::done();
}

constexpr Test bugs[] = {
    {"double-free", double_free},
    {"double-free-by-another-core", double_free_by_another_core},
    {"interior-free", wrong_free<8, size>},
    {"free-before-the-block", wrong_free<-8, size>},
    {"free-with-smaller-size", wrong_free<0, size - 1>},
    {"free-with-larger-size", wrong_free<0, 3 * page_size>},
    {"free-of-the-stack", free_of_the_stack},
    {"free-of-the-image", free_of_a_constant},
    {"free-of-a-pinned-frame", free_of_a_pinned_frame},
    {"free-of-null", free_of<0>},
    {"free-of-a-wild-pointer", free_of<0x0000'1234'5678'9000>},
    {"free-of-a-non-canonical-pointer", free_of<mm::fresh_word>},
};

} // namespace

constinit const BugList free_bugs = bugs;

} // namespace kernel
