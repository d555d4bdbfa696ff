// tests/unit/mm/page_heap_test.cpp — the page heap: what it catches, what it says, what it gives back.
#include "tests/unit/mm/world.h"

#include <map>
#include <random>
#include <string>

namespace {

struct PageHeapTest : testing::Test {
    World world{{.placement = Heap::Placement::at_end}};
    const mm::AllocationSite site = site_of("Widget", 42);

    Virt allocate(u64 size, u64 alignment = 1) { return world.heap->allocate(size, alignment, site).take(); }
};

std::string chain_text(const mm::Explanation &what) {
    rstate::Error error = mm::to_error(what);
    std::string text;
    rstate::print_error({[](void *out, Text line) {
                             *static_cast<std::string *>(out) += std::string(line.data(), line.size()) + "\n";
                         },
                         &text},
                        error);
    rstate::handled(std::move(error));
    return text;
}

TEST_F(PageHeapTest, ABlockCanBeReadAndWrittenToItsLastByte) {
    const Virt block = allocate(100);
    for (u64 i = 0; i < 100; ++i) EXPECT_TRUE(world.store(block + i, static_cast<u8>(i)));
    for (u64 i = 0; i < 100; ++i) EXPECT_EQ(world.load(block + i), static_cast<u8>(i));
}

TEST_F(PageHeapTest, OneBytePastTheEndFaultsForEverySizeAndAlignment) {
    for (const u64 size : {1ul, 7ul, 8ul, 100ul, 4095ul, 4096ul, 4097ul, 8192ul, 12288ul}) {
        for (u64 alignment = 1; alignment <= 4096; alignment *= 2) {
            const u64 whole = align_up(size, alignment);
            const Virt block = allocate(whole, alignment);
            EXPECT_TRUE(is_aligned(block.value(), alignment));
            EXPECT_TRUE(world.load(block + (whole - 1)).has_value());
            EXPECT_FALSE(world.load(block + whole).has_value()) << size << " aligned to " << alignment;
            const mm::Explanation what = world.why(block + whole);
            EXPECT_EQ(what.code, &mm::out_of_bounds);
            EXPECT_EQ(what.range.block, block);
            EXPECT_EQ(what.offset(), static_cast<i64>(whole));
        }
    }
}

TEST_F(PageHeapTest, PlacedAtTheStartOneByteBeforeFaults) {
    Heap heap(*world.space, Heap::Placement::at_start);
    const Virt block = heap.allocate(100, 8, site).take();
    EXPECT_TRUE(block.page_aligned());
    EXPECT_FALSE(world.load(block - 1).has_value());
    const mm::Explanation what = world.why(block - 1);
    EXPECT_EQ(what.code, &mm::out_of_bounds);
    EXPECT_EQ(what.offset(), -1);
    EXPECT_NE(chain_text(what).find("underflow"), std::string::npos);
}

TEST_F(PageHeapTest, RandomPlacementUsesBothEnds) {
    Heap heap(*world.space);
    u32 at_start = 0;
    for (u32 i = 0; i < 64; ++i) at_start += heap.allocate(8, 8, site).take().page_aligned();
    EXPECT_GT(at_start, 10u);
    EXPECT_LT(at_start, 54u);
}

TEST_F(PageHeapTest, FreshMemoryIsNonCanonicalWhereverAPointerIsReadFromIt) {
    const Virt block = allocate(64);
    for (u64 at = 0; at + 8 <= 64; ++at) {
        u64 pointer = 0;
        for (u64 i = 8; i-- > 0;) pointer = pointer << 8 | *world.load(block + at + i);
        EXPECT_FALSE(is_canonical(pointer));
        EXPECT_EQ(world.why(Virt(pointer + 24)).code, &mm::uninitialised_pointer);
    }
}

TEST_F(PageHeapTest, UseAfterFreeFaultsOnEveryCoreTheMomentFreeReturns) {
    const Virt block = allocate(16);
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        EXPECT_TRUE(world.load(block).has_value()) << "now in this core's TLB";
    }
    world.heap->free(block, 16, nullptr);
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        EXPECT_FALSE(world.load(block).has_value()) << "core " << core;
    }
}

TEST_F(PageHeapTest, TheChainOfAUseAfterFreeNamesBlockAllocationAndFree) {
    const Virt block = allocate(16);
    {
        const sim::AsCore as(1);
        world.heap->free(block, 16, pointer_to<void>(Virt(0x1234)));
    }
    const mm::Explanation what = world.why(block + 5);
    EXPECT_EQ(what.code, &mm::use_after_free);
    EXPECT_EQ(what.offset(), 5);
    EXPECT_EQ(what.range.freed_by, 1);
    EXPECT_EQ(what.range.freed_from, pointer_to<void>(Virt(0x1234)));
    const std::string text = chain_text(what);
    for (const char *part : {"mm.use_after_free", "Widget", "some/file.cpp", "42", "0x1234",
                             "bytes into the range", "offset 5", "<- origin"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST_F(PageHeapTest, AFreedFrameServesOnlyAfterEveryCoreAnswered) {
    const Virt block = allocate(16);
    const Phys frame = world.space->table().translate(block.page()).take();
    bool was_free = false;
    sim::on_waiting([&] {
        // While the other core has not answered, its TLB still leads to the frame.
        was_free |= world.frames.owner_of(frame) != Owner::heap;
        world.serve_interrupts();
    });
    world.heap->free(block, 16, nullptr);
    EXPECT_FALSE(was_free);
    EXPECT_EQ(world.frames.owner_of(frame), Owner::none);
}

TEST_F(PageHeapTest, DoubleFreeInteriorFreeWrongSizeAndForeignPointersAreDistinguished) {
    const Virt block = allocate(16), live = allocate(32), big = allocate(3 * page_size);
    world.heap->free(block, 16, nullptr);
    EXPECT_TRUE(fails_with(world.heap->try_free(block, 16, nullptr), mm::double_free));
    EXPECT_TRUE(fails_with(world.heap->try_free(live + 8, 24, nullptr), mm::bad_free));
    EXPECT_TRUE(fails_with(world.heap->try_free(big + page_size, page_size, nullptr), mm::bad_free));
    EXPECT_TRUE(fails_with(world.heap->try_free(live, 31, nullptr), mm::wrong_size));
    EXPECT_TRUE(fails_with(world.heap->try_free(Virt(0x1234'5678'9000), 8, nullptr), mm::bad_free));
    EXPECT_TRUE(fails_with(world.heap->try_free(Virt(0xACDC'ACDC'ACDC'ACDC), 8, nullptr), mm::bad_free));
    EXPECT_TRUE(fails_with(world.heap->try_free(Virt(0), 8, nullptr), mm::bad_free));
    EXPECT_TRUE(world.heap->try_free(live, 32, nullptr).ok()) << "the wrong frees did no harm";
    EXPECT_TRUE(world.heap->try_free(big, 3 * page_size, nullptr).ok());
}

TEST_F(PageHeapTest, AWrongFreeEndsTheProgramWithItsChain) {
    const Virt block = allocate(16);
    world.heap->free(block, 16, nullptr);
    EXPECT_DEATH(world.heap->free(block, 16, nullptr), "memory is freed once");
}

TEST_F(PageHeapTest, BytesWrittenIntoTheSlackAreFoundAtFree) {
    for (const u64 offset : {1ul, 8ul, 3995ul}) {
        const Virt block = allocate(100);
        ASSERT_TRUE(world.store(block - offset, 0)) << "the slack is on the block's own page";
        auto freed = world.heap->try_free(block, 100, nullptr);
        EXPECT_TRUE(fails_with(std::move(freed), mm::slack_overwritten));
        EXPECT_FALSE(world.load(block).has_value()) << "freed all the same";
    }
    Heap heap(*world.space, Heap::Placement::at_start);
    const Virt block = heap.allocate(100, 4, site).take();
    ASSERT_TRUE(world.store(block + 100, 0));
    EXPECT_TRUE(fails_with(heap.try_free(block, 100, nullptr), mm::slack_overwritten));
}

TEST_F(PageHeapTest, ASizeThatIsNoMultipleOfItsAlignmentHasCheckedSlackBehindIt) {
    const Virt block = allocate(13, 8);
    EXPECT_TRUE(is_aligned(block.value(), 8));
    ASSERT_TRUE(world.store(block + 13, 1));
    EXPECT_TRUE(fails_with(world.heap->try_free(block, 13, nullptr), mm::slack_overwritten));
}

TEST_F(PageHeapTest, ABlockOfMegabytesComesAndGoesWhole) {
    World large({.frames_per_core = 3000});
    const u64 before = large.frames_in_use();
    const u64 size = 4_MiB + 100;
    const Virt block = large.heap->allocate(size, 4, site).take();
    for (u64 at = 0; at < size; at += page_size - 8) {
        EXPECT_TRUE(large.store(block + at, 1));
        const sim::AsCore as(1);
        EXPECT_EQ(large.load(block + at), 1);
    }
    EXPECT_FALSE(large.load(block + size + page_size).has_value());
    large.heap->free(block, size, nullptr);
    for (u64 at = 0; at < size; at += page_size - 8) {
        const sim::AsCore as(1);
        EXPECT_FALSE(large.load(block + at).has_value());
    }
    large.space->drain_quarantine();
    EXPECT_EQ(large.frames_in_use(), before);
}

TEST_F(PageHeapTest, ZeroAndAbsurdSizesAreRefused) {
    EXPECT_TRUE(fails_with(world.heap->allocate(0, 1, site), mm::too_large));
    EXPECT_TRUE(fails_with(world.heap->allocate(~0ul, 1, site), mm::too_large));
    EXPECT_TRUE(fails_with(world.heap->allocate(1_GiB, 1, site), mm::out_of_frames));
}

TEST_F(PageHeapTest, OnlySoManyFreedBlocksStayInQuarantineAndTheirTablesComeBack) {
    const u64 before = world.frames_in_use();
    for (u32 i = 0; i < 500; ++i) world.heap->free(allocate(8), 8, nullptr);
    EXPECT_LE(world.space->freed_ranges(), 64u + 4u);
    world.space->drain_quarantine();
    EXPECT_EQ(world.frames_in_use(), before);
}

TEST_F(PageHeapTest, WhenFramesRunOutTheDeadAreForgottenFirst) {
    World small({.cores = 1, .frames_per_core = 200, .quarantine_size = 1000});
    for (u32 i = 0; i < 1000; ++i) small.heap->free(small.heap->allocate(8, 8, site).take(), 8, nullptr);
    EXPECT_GT(small.space->freed_ranges(), 10u) << "those that fit are in quarantine";
}

TEST_F(PageHeapTest, AnAllocationWithoutFreeFramesDrainsTheQuarantine) {
    World small({.cores = 1, .frames_per_core = 200, .quarantine_size = 1000});
    for (u32 i = 0; i < 30; ++i) small.heap->free(small.heap->allocate(8, 8, site).take(), 8, nullptr);
    const u64 dead = small.space->freed_ranges();
    ASSERT_GT(dead, 20u);
    for (u32 i = 0; i < 180; ++i) ASSERT_TRUE(small.frames.allocate(Owner::guest_private).ok()) << i;
    EXPECT_EQ(small.space->freed_ranges(), 0u);
}

TEST_F(PageHeapTest, WhereverAnAllocationFailsNothingIsLostAndTheChainSaysWhere) {
    World small({.cores = 1, .frames_per_core = 400});
    small.heap->free(small.heap->allocate(8, 8, site).take(), 8, nullptr);
    small.space->drain_quarantine();
    u64 n = 0;
    for (;; ++n) {
        const u64 before = small.frames_in_use();
        small.memory.fail_after(n);
        auto block = small.heap->allocate(3 * page_size + 5, 1, site);
        small.memory.never_fail();
        if (block.ok()) break;
        EXPECT_GE(block.error().frame()->site->line, 1u);
        rstate::handled(std::move(block));
        EXPECT_EQ(small.frames_in_use(), before) << "after failing at step " << n;
        EXPECT_EQ(small.heap->live_blocks(), 0u);
        EXPECT_EQ(small.space->live_ranges(), 0u);
        EXPECT_EQ(small.memory.pins(), 0u);
    }
    EXPECT_GT(n, 30u);
}

TEST_F(PageHeapTest, MemoryThatRunsOutLeavesALivingHeap) {
    World small({.cores = 1, .frames_per_core = 300});
    std::vector<Virt> blocks;
    for (;;) {
        auto block = small.heap->allocate(8, 8, site);
        if (!block.ok()) {
            EXPECT_TRUE(fails_with(std::move(block), mm::out_of_frames));
            break;
        }
        blocks.push_back(block.take());
    }
    EXPECT_GT(blocks.size(), 300u / 5) << "a page and at most three tables each, and records";
    for (const Virt block : blocks) small.heap->free(block, 8, nullptr);
    EXPECT_TRUE(small.heap->allocate(8, 8, site).ok());
}

TEST_F(PageHeapTest, TypedAllocationRecordsItsTypeAndLine) {
    // Nothing is constructed: the addresses are the simulated processor's, not this program's.
    const mm::Allocator heap = world.heap->allocator();
    u8 *block = heap.allocate_bytes(heap.context, 24, 8, site_of("Route", 7)).take();
    const mm::Explanation what = world.why(virt_of(block) + 24);
    EXPECT_STREQ(what.range.site.type, "Route");
    EXPECT_EQ(what.range.site.line, 7u);
    heap.free_bytes(heap.context, block, 24);
    EXPECT_NE(world.why(virt_of(block)).range.freed_from, nullptr);
}

// An oracle beside the heap: every byte as written, every gap kept, every dead block dead, on both cores.
TEST_F(PageHeapTest, RandomAllocationsAndFreesAgreeWithAnOracle) {
    World many({.cores = 3, .frames_per_core = 6000, .quarantine_size = 200});
    const u64 before = many.frames_in_use();
    std::mt19937_64 random(1);
    struct Block {
        u64 size;
        u8 value;
    };
    std::map<u64, Block> live;
    for (u32 step = 0; step < 20'000; ++step) {
        const sim::AsCore as(static_cast<u32>(random() % 3));
        if (live.size() < 10 || (random() % 2 == 0 && live.size() < 1500)) {
            const u64 size = 1 + random() % (random() % 8 == 0 ? 3 * page_size : 300);
            const u64 alignment = 1ul << random() % 6;
            const Virt block = many.heap->allocate(size, alignment, site).take();
            const u8 value = static_cast<u8>(random());
            ASSERT_TRUE(many.store(block, value) && many.store(block + (size - 1), value));
            const auto [entry, fresh] = live.insert({block.value(), {size, value}});
            ASSERT_TRUE(fresh);
            // The pages beside it belong to no range.
            const u64 first = align_down(block.value(), page_size),
                      last = align_down(block.value() + size - 1, page_size);
            const auto after = std::next(entry);
            if (after != live.end()) ASSERT_GE(align_down(after->first, page_size), last + 2 * page_size);
            if (entry != live.begin()) {
                const auto previous = std::prev(entry);
                ASSERT_GE(first,
                          align_down(previous->first + previous->second.size - 1, page_size) + 2 * page_size);
            }
        } else {
            auto victim = live.lower_bound(random());
            if (victim == live.end()) victim = live.begin();
            const Virt block(victim->first);
            ASSERT_EQ(many.load(block), victim->second.value);
            ASSERT_EQ(many.load(block + (victim->second.size - 1)), victim->second.value);
            many.heap->free(block, victim->second.size, nullptr);
            live.erase(victim);
            for (u32 core = 0; core < 3; ++core) {
                const sim::AsCore other(core);
                ASSERT_FALSE(many.load(block).has_value());
            }
        }
    }
    for (const auto &[address, block] : live) many.heap->free(Virt(address), block.size, nullptr);
    many.space->drain_quarantine();
    EXPECT_EQ(many.frames_in_use(), before);
    EXPECT_EQ(many.heap->live_bytes(), 0u);
}

} // namespace
