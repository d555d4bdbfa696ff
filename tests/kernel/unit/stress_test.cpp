// tests/kernel/unit/stress_test.cpp — all cores allocate and free at once, mostly each other's blocks.
#include "base/log.h"
#include "kernel/smp/jobs.h"
#include "kernel/world.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

// A block that the next core that picks its slot frees.
struct Block {
    u64 *words;
    u64 count;
};
constexpr u32 slot_count = 256;
constexpr u64 largest = 1024; // words: two pages

struct Stress {
    cpu::SpinLock lock{"tests.stress", 1};
    Block slots[slot_count] = {};
    u64 operations = 0; // of each core
    u64 longest[max_cores] = {};
    u64 remote_frees[max_cores] = {};
    rstate::Error errors[max_cores];
};

// The block's last word: the core that allocated it, in a form that shows that no other core wrote there.
u64 tag_of(const Block &block, u64 core) { return reinterpret_cast<u64>(block.words) ^ core << 1 ^ 1; }

rstate::Result<Block> make_block(Random &random) {
    const u64 count = 1 + random.below(largest);
    u8 *bytes = TRY(world->allocator.allocate_bytes(world->allocator.context, count * sizeof(u64), 8,
                                                    {"stressed block", "tests/kernel/unit/stress_test.cpp"}),
                    "allocating a block", count);
    const Block block{reinterpret_cast<u64 *>(bytes), count};
    block.words[count - 1] = tag_of(block, current_core());
    return block;
}

rstate::Result<> free_block(Stress &stress, const Block &block) {
    if (block.words == nullptr) return rstate::done();
    const u64 maker = (block.words[block.count - 1] ^ tag_of(block, 0)) >> 1;
    EXPECT(maker < max_cores, maker, block.words);
    stress.remote_frees[current_core()] += maker != current_core();
    world->heap.free(virt_of(block.words), block.count * sizeof(u64), __builtin_return_address(0));
    return rstate::done();
}

Block exchange(Stress &stress, u64 slot, const Block &fresh) {
    const cpu::Guard guard(stress.lock);
    const Block before = stress.slots[slot];
    stress.slots[slot] = fresh;
    return before;
}

rstate::Result<> stress_core(Stress &stress) {
    const u32 me = current_core();
    Random random(me + 1);
    for (u64 i = 0; i < stress.operations; ++i) {
        const u64 begin = cpu::read_tsc();
        const Block fresh = random.one_in(2) ? TRY(make_block(random), "allocating", i) : Block{};
        const u64 middle = cpu::read_tsc();
        TRY(free_block(stress, exchange(stress, random.below(slot_count), fresh)), "freeing", i);
        stress.longest[me] = max(stress.longest[me], max(middle - begin, cpu::read_tsc() - middle));
    }
    return rstate::done();
}

rstate::Result<> stress_all_cores(const TestContext &context, u64 operations) {
    const u64 before = world->frames.used();
    u64 longest = 0, remote = 0;
    {
        auto stress = TRY(mm::allocate<Stress>(world->allocator), "allocating what the cores share");
        stress->operations = operations / context.args.core_count;
        run_on_cores(context.args.core_count, {[](void *shared) {
                                                   auto &all = *static_cast<Stress *>(shared);
                                                   auto done = stress_core(all);
                                                   if (!done.ok())
                                                       all.errors[current_core()] = done.take_error();
                                               },
                                               stress.get()});
        for (u32 core = 0; core < context.args.core_count; ++core) {
            if (stress->errors[core].present())
                return WRAP(std::move(stress->errors[core]), "allocating and freeing on every core", core);
            longest = max(longest, stress->longest[core]);
            remote += stress->remote_frees[core];
        }
        for (const Block &block : stress->slots) TRY(free_block(*stress, block), "freeing the rest");
    }
    world->space.drain_quarantine();
    LOG(kernel, "{} operations on {} cores, {} of another core's blocks freed; longest {} us", operations,
        context.args.core_count, remote, longest / max(1ul, context.args.ticks_per_second() / 1'000'000));
    EXPECT(world->frames.used() <= before, world->frames.used(), before);
    EXPECT(context.args.core_count == 1 || remote > operations / 16, remote);
    return rstate::done();
}

// Few enough for cores that wait for each other while the host runs other programs.
rstate::Result<> a_thousand_operations_lose_no_frame(const TestContext &context) {
    return stress_all_cores(context, 1000);
}
RL_TEST(a_thousand_operations_lose_no_frame);

// As many as cores that really run at the same time complete in a test run, even if one of them is suspended.
rstate::Result<> long_20_thousand_operations_lose_no_frame(const TestContext &context) {
    return stress_all_cores(context, 20'000);
}
RL_TEST(long_20_thousand_operations_lose_no_frame);

rstate::Result<> long_200_thousand_operations_lose_no_frame(const TestContext &context) {
    return stress_all_cores(context, 200'000);
}
RL_TEST(long_200_thousand_operations_lose_no_frame);

rstate::Result<> long_10_million_operations_lose_no_frame(const TestContext &context) {
    return stress_all_cores(context, 10'000'000);
}
RL_TEST(long_10_million_operations_lose_no_frame);

} // namespace

} // namespace kernel
