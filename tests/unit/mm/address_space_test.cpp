// tests/unit/mm/address_space_test.cpp — ranges: placement, keys, guards, ending, and what is said about an
// address.
#include "tests/unit/mm/world.h"

#include <atomic>
#include <bit>
#include <set>
#include <thread>
#include <utility>

namespace {

struct AddressSpaceTest : testing::Test {
    World world;
    Space &space = *world.space;

    mm::RangeRequest request(u64 pages) const { return {.pages = pages, .site = site_of("table", 9)}; }
    mm::Range memory(u64 pages) { return space.map_memory(pages, Owner::stack, site_of("stack", 11)).take(); }
    void drain_quarantine() { space.drain_quarantine(); }
};

TEST_F(AddressSpaceTest, MappedMemoryIsZeroedAndBelongsToItsOwner) {
    const mm::Range range = memory(3);
    for (u64 i = 0; i < 3 * page_size; i += 511) EXPECT_EQ(world.load(range.first + i), 0);
    EXPECT_EQ(world.frames.used(Owner::stack), 3u);
}

TEST_F(AddressSpaceTest, AGuardLiesOnBothSidesAndNamesItsRange) {
    const mm::Range range = memory(2);
    for (const Virt outside : {range.first - 1, range.end()}) {
        EXPECT_FALSE(world.load(outside).has_value());
        const mm::Explanation what = world.why(outside);
        EXPECT_EQ(what.code, &mm::out_of_bounds);
        EXPECT_EQ(what.range.first, range.first);
        EXPECT_STREQ(what.range.site.type, "stack");
    }
}

TEST_F(AddressSpaceTest, ARangeKnowsWhetherItWasMadeSinceAMoment) {
    const mm::Range before = memory(1);
    const u32 moment = space.ranges_made();
    const mm::Range after = memory(1);
    ASSERT_TRUE(space
                    .visit_ranges([&](u32, const mm::Record &record) {
                        if (record.first == before.first) EXPECT_FALSE(mm::made_since(record, moment));
                        if (record.first == after.first) EXPECT_TRUE(mm::made_since(record, moment));
                    })
                    .ok());
    mm::Record late;
    late.number = 3;
    EXPECT_TRUE(mm::made_since(late, ~0u - 5)); // the numbers begin anew after 2^32 ranges
    EXPECT_FALSE(mm::made_since(late, 4));
}

TEST_F(AddressSpaceTest, MappingNeedsTheReservationsKey) {
    const mm::Range range = space.reserve(request(2)).take();
    const Phys frame = world.frames.allocate(Owner::heap).take();
    mm::Range forged = range;
    forged.key ^= 1;
    EXPECT_TRUE(fails_with(space.map(forged, 0, frame, mm::read_write), mm::wrong_key));
    EXPECT_TRUE(fails_with(space.map(range, 2, frame, mm::read_write), mm::bad_address));
    space.map(range, 1, frame, mm::read_write).take();
    EXPECT_TRUE(fails_with(space.map(range, 1, frame, mm::read_write), mm::already_mapped));
    EXPECT_TRUE(fails_with(space.unmap_and_free(forged, nullptr), mm::wrong_key));
    EXPECT_TRUE(world.store(range.page(1), 1));
    EXPECT_FALSE(world.store(range.page(0), 1));
    EXPECT_EQ(world.why(range.page(0)).code, &mm::not_backed);
}

TEST_F(AddressSpaceTest, NothingIsWritableAndExecutable) {
    const mm::Range range = space.reserve(request(1)).take();
    EXPECT_DEATH(rstate::ignore(space.map(range, 0, Phys(0x1000), mm::read_write_execute), "dies"),
                 "both writable");
    mm::RangeRequest both = request(1);
    both.allowed = mm::read_write_execute;
    EXPECT_DEATH(rstate::ignore(space.reserve(both), "dies"), "both writable");
}

TEST_F(AddressSpaceTest, ADevicesRegistersAreMappedUncachedAndNeverFreed) {
    const u64 before = world.frames_in_use();
    const mm::Range range = space.map_device(Phys(0xFEE00000), 2, site_of("APIC", 1)).take();
    const mm::Location at = space.table().find(range.page(1)).take();
    EXPECT_EQ(at.entry.frame(), Phys(0xFEE01000));
    EXPECT_EQ(mm::Entry::CacheType::get(at.entry.raw), 3u);
    EXPECT_FALSE(at.entry.executable());
    space.unmap_and_free(range, nullptr).take();
    drain_quarantine();
    EXPECT_EQ(world.frames_in_use(), before);
}

TEST_F(AddressSpaceTest, ProtectReachesEveryCoresTlb) {
    const mm::Range range = memory(1);
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        ASSERT_TRUE(world.store(range.first, 7));
    }
    space.protect(range, 0, mm::read_only).take();
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        EXPECT_FALSE(world.store(range.first, 8)) << core;
        EXPECT_EQ(world.load(range.first), 7);
    }
    const mm::Explanation what = world.why(range.first, true);
    EXPECT_EQ(what.code, &mm::forbidden_access);
    EXPECT_EQ(what.range.first, range.first);
}

TEST_F(AddressSpaceTest, AnEndedRangeIsUnreachableExplainedAndThenForgotten) {
    const u64 before = world.frames_in_use();
    const mm::Range range = memory(5);
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        for (u64 i = 0; i < 5; ++i) ASSERT_TRUE(world.load(range.page(i)).has_value());
    }
    space.unmap_and_free(range, pointer_to<void>(Virt(0x77))).take();
    EXPECT_EQ(world.frames.used(Owner::stack), 0u);
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        for (u64 i = 0; i < 5; ++i) EXPECT_FALSE(world.load(range.page(i)).has_value());
    }
    EXPECT_EQ(world.why(range.page(4)).code, &mm::use_after_free);
    EXPECT_EQ(world.why(range.first - 1).code, &mm::use_after_free) << "beside it as well";
    EXPECT_TRUE(fails_with(space.unmap_and_free(range, nullptr), mm::wrong_key)) << "a range ends once";
    drain_quarantine();
    EXPECT_EQ(world.why(range.page(4)).code, &mm::wild_access);
    EXPECT_EQ(world.frames_in_use(), before);
}

TEST_F(AddressSpaceTest, DetachedTablesAreNotWalkedThroughAStaleUpperLevel) {
    const mm::Range range = memory(1);
    space.unmap_and_free(range, nullptr).take();
    {
        const sim::AsCore as(1);
        ASSERT_FALSE(world.load(range.first).has_value()); // but core 1 now knows the last-level table
    }
    drain_quarantine();
    // The table's frame serves anew, and by chance looks like a table that maps the page.
    std::vector<Phys> again;
    for (u32 i = 0; i < 6; ++i) {
        again.push_back(world.frames.allocate(Owner::heap).take());
        cpu::fill_page(world.memory.peek(again.back()), again.back().value() | 3);
    }
    const sim::AsCore as(1);
    EXPECT_FALSE(world.load(range.first).has_value());
}

TEST_F(AddressSpaceTest, TheAddressesAreSpreadOverAll36BitsAndNothingIsDrawnTwice) {
    World large({.cores = 1, .frames_per_core = 9000, .quarantine_size = 0});
    constexpr u32 draws = 3000;
    u32 ones[36] = {}, pairs[36] = {};
    std::set<u64> seen;
    for (u32 i = 0; i < draws; ++i) {
        const mm::Range range = large.space->reserve(request(1)).take();
        EXPECT_TRUE(seen.insert(range.first.value()).second);
        const u64 bits = range.first.value() >> 12;
        for (u32 b = 0; b < 36; ++b) {
            ones[b] += bits >> b & 1;
            pairs[b] += (bits >> b & 1) ^ (bits >> (b + 1) % 36 & 1);
        }
        large.space->release_unused(range);
    }
    // Five standard deviations of a fair coin: sqrt(3000) / 2 * 5 = 137.
    for (u32 b = 0; b < 36; ++b) {
        EXPECT_NEAR(ones[b], draws * 0.5, 137) << "bit " << b;
        EXPECT_NEAR(pairs[b], draws * 0.5, 137) << "bits " << b << " and the next";
    }
}

TEST_F(AddressSpaceTest, TwoSpacesWithOtherEntropyPlaceDifferently) {
    World other;
    other.space->mix_entropy(Text("something else").bytes());
    EXPECT_NE(space.reserve(request(1)).take().first, other.space->reserve(request(1)).take().first);
}

TEST_F(AddressSpaceTest, ARangeAcrossTablesComesAndGoesWhole) {
    const u64 before = world.frames_in_use();
    for (const u64 pages : {511ul, 512ul, 513ul, 1025ul, 5000ul}) {
        const mm::Range range = space.reserve(request(pages)).take();
        for (const u64 page : {0ul, pages / 2, pages - 1})
            EXPECT_EQ(world.why(range.page(page)).range.first, range.first);
        space.release_unused(range);
        EXPECT_EQ(world.frames_in_use(), before) << pages;
        EXPECT_EQ(world.why(range.first).code, &mm::wild_access);
    }
}

TEST_F(AddressSpaceTest, PagesTakenOverGetGuardsAndARecordAndAreFreedAsTheBoots) {
    // As stage2 leaves it: a mapping without guards, its frames and tables the boot's.
    const Virt first(0xffff'9123'4567'8000);
    std::vector<Phys> frames;
    for (u64 i = 0; i < 2; ++i) {
        frames.push_back(world.frames.allocate(Owner::boot).take());
        space.table().map(first + i * page_size, frames[i], mm::read_only, world.frames).take();
    }
    EXPECT_EQ(world.why(first).code, &mm::wild_access) << "no range was made of it yet";
    mm::RangeRequest boots = request(2);
    boots.owner = Owner::boot, boots.allowed = mm::read_only;
    const mm::Range range = space.take_over(first, boots).take();
    EXPECT_TRUE(world.load(first).has_value());
    EXPECT_EQ(world.why(first + 2 * page_size).code, &mm::out_of_bounds);
    EXPECT_EQ(world.why(first + page_size, true).range.first, first);
    EXPECT_TRUE(fails_with(space.take_over(first + 2 * page_size, boots), mm::already_mapped))
        << "no room for its guard";
    space.unmap_and_free(range, nullptr).take();
    EXPECT_EQ(world.frames.used(Owner::boot), 0u);
    EXPECT_FALSE(world.load(first).has_value());
}

TEST_F(AddressSpaceTest, AddressesOfNoRangeAreDistinguished) {
    EXPECT_EQ(world.why(Virt(8)).code, &mm::null_access);
    EXPECT_EQ(world.why(Virt(0x1234'0000'0000)).code, &mm::wild_access);
    EXPECT_EQ(world.why(Virt(0xffff'ffff'ffff'ff00)).code, &mm::null_access) << "a null pointer's neighbour";
    EXPECT_EQ(world.why(Virt(0xffff'ff00'0000'0000)).code, &mm::wild_access);
    EXPECT_EQ(world.why(Virt(0x8000'0000'0000)).code, &mm::wild_access);
    EXPECT_EQ(world.why(Virt(mm::fresh_word + 64)).code, &mm::uninitialised_pointer);
    const mm::Range range = memory(1);
    const mm::Explanation what = world.why(range.end() + 5 * page_size);
    EXPECT_EQ(what.code, &mm::wild_access);
    EXPECT_TRUE(what.has_range) << "a few pages from a live range";
    EXPECT_EQ(what.range.first, range.first);
}

TEST_F(AddressSpaceTest, AFrameThatIsMappedCannotBeFreed) {
    const mm::Range range = memory(2);
    const Phys frame = space.table().translate(range.page(1)).take();
    EXPECT_DEATH(world.frames.free(frame, Owner::stack), "not freed while it is mapped");
    space.unmap_and_free(range, nullptr).take();
    EXPECT_EQ(world.frames.used(Owner::stack), 0u);
}

TEST_F(AddressSpaceTest, AFrameMappedTwiceIsFreeOfMappingsWhenBothHaveEnded) {
    const Phys frame = world.frames.allocate(Owner::device).take();
    const mm::Range first = space.map_device(frame, 1, site_of("one", 1)).take();
    const mm::Range second = space.map_device(frame, 1, site_of("two", 2)).take();
    space.unmap_and_free(first, nullptr).take();
    EXPECT_DEATH(world.frames.free(frame, Owner::device), "not freed while it is mapped");
    space.unmap_and_free(second, nullptr).take();
    world.frames.free(frame, Owner::device);
    EXPECT_EQ(world.frames.used(Owner::device), 0u);
}

// Both cores wait for the lock at once, so code that checks under one lock and marks under another is caught.
TEST(TwoCores, ThatEndOneRangeAreNotBothAllowedTo) {
    World world({.cores = 3});
    std::atomic<bool> waits[3] = {};
    sim::on_waiting([&] {
        waits[sim::core] = true;
        world.tlb_shootdown.serve();
    });
    const mm::Range range = world.space->map_memory(1, Owner::stack, site_of("stack", 1)).take();
    std::atomic<u32> ended{0}, refused{0}, finished{0};
    std::vector<std::thread> threads;
    const auto end_range = [&](u32 core) {
        sim::core = core;
        auto done = world.space->unmap_and_free(range, nullptr);
        done.ok() ? ++ended : ++refused;
        if (!done.ok()) rstate::handled(std::move(done));
        ++finished;
        while (finished != 2) world.tlb_shootdown.serve();
    };
    world.space
        ->visit_ranges([&](u32, const mm::Record &) { // under the lock
            for (const u32 core : {1u, 2u}) threads.emplace_back(end_range, core);
            while (!waits[1] || !waits[2]) std::this_thread::yield();
        })
        .take();
    while (finished != 2) world.tlb_shootdown.serve();
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(ended, 1u);
    EXPECT_EQ(refused, 1u);
    EXPECT_EQ(world.space->freed_ranges(), 1u);
}

TEST_F(AddressSpaceTest, WhereverReservingFailsNothingIsLost) {
    const u64 before = world.frames_in_use();
    u64 n = 0;
    for (;; ++n) {
        world.memory.fail_after(n);
        auto range = space.reserve(request(1200));
        world.memory.never_fail();
        if (range.ok()) {
            space.release_unused(range.value());
            break;
        }
        rstate::handled(std::move(range));
        EXPECT_EQ(space.live_ranges(), 0u);
        EXPECT_EQ(world.frames_in_use(), before) << "after failing at step " << n;
    }
    EXPECT_GT(n, 40u);
    EXPECT_EQ(world.frames_in_use(), before);
}

TEST_F(AddressSpaceTest, AbsurdRangesAreRefused) {
    EXPECT_TRUE(fails_with(space.reserve(request(0)), mm::too_large));
    EXPECT_TRUE(fails_with(space.reserve(request(Space::max_pages + 1)), mm::too_large));
    EXPECT_TRUE(fails_with(space.reserve(request(Space::max_pages)), mm::out_of_frames))
        << "its tables alone";
}

TEST_F(AddressSpaceTest, VisitingShowsTheLiveRangesAlone) {
    const mm::Range first = memory(1), second = memory(2);
    space.unmap_and_free(first, nullptr).take();
    std::vector<Virt> seen;
    space.visit_ranges([&](u32, const mm::Record &record) { seen.push_back(record.first); }).take();
    EXPECT_EQ(seen, std::vector{second.first});
    EXPECT_EQ(space.live_ranges(), 1u);
}

// --- lazy ranges

struct Pages {
    u32 asked = 0;
    bool fail = false;
    Phys shared;
    std::function<void()> meanwhile; // in the next fill, once

    static rstate::Result<void> fill(void *self, u64 page, u8 *bytes) {
        auto &pages = *static_cast<Pages *>(self);
        ++pages.asked;
        if (const auto once = std::exchange(pages.meanwhile, {})) once();
        if (pages.fail) return FAIL(mm::not_backed, "the test's pager has nothing", page);
        bytes[0] = static_cast<u8>(page + 1);
        return rstate::done();
    }
    static rstate::Result<Phys> share(void *self, u64) { return static_cast<Pages *>(self)->shared; }
};

struct LazyTest : AddressSpaceTest {
    Pages pages;
    mm::Pager fills{&pages, Pages::fill, nullptr};
    mm::Pager shares{&pages, nullptr, Pages::share};

    mm::Range lazy(u64 count, const mm::Pager &pager, mm::Permissions allowed = mm::read_write) {
        mm::RangeRequest lazy = request(count);
        lazy.kind = mm::RangeKind::lazy, lazy.pager = &pager, lazy.allowed = allowed;
        return space.reserve(lazy).take();
    }
    bool resolve(Virt address, bool write = false) {
        return space.handle_page_fault(address, write ? cpu::PageFaultCode::Write::mask : 0).take();
    }
};

TEST_F(LazyTest, APageComesFromItsPagerAtTheFirstAccessAndOnce) {
    const mm::Range range = lazy(1000, fills);
    EXPECT_FALSE(world.load(range.page(500)).has_value());
    EXPECT_TRUE(resolve(range.page(500) + 77));
    EXPECT_EQ(world.load(range.page(500)), static_cast<u8>(501));
    EXPECT_TRUE(resolve(range.page(500))) << "another core's fault on the same page is answered already";
    EXPECT_EQ(pages.asked, 1u);
    space.unmap_and_free(range, nullptr).take();
    EXPECT_EQ(world.frames.used(Owner::heap), 0u);
    EXPECT_FALSE(resolve(range.page(500))) << "a lazy range that ended is not paged in";
}

TEST_F(LazyTest, APagerThatFailsIsAChainAndNothingIsMapped) {
    const mm::Range range = lazy(3, fills);
    pages.fail = true;
    const u64 before = world.frames_in_use();
    auto resolved = space.handle_page_fault(range.first, 0);
    EXPECT_TRUE(fails_with(std::move(resolved), mm::not_backed));
    EXPECT_EQ(world.frames_in_use(), before);
    EXPECT_EQ(world.why(range.first).code, &mm::not_backed);
    pages.fail = false;
    EXPECT_TRUE(resolve(range.first));
}

TEST_F(LazyTest, APagerRunsWithoutLocksSoItMayUseMemoryAndFaultItself) {
    const mm::Range inner = lazy(1, fills), outer = lazy(1, fills);
    pages.meanwhile = [&] {
        EXPECT_TRUE(resolve(inner.first));
        world.heap->free(world.heap->allocate(9, 1, site_of("x", 1)).take(), 9, nullptr);
    };
    EXPECT_TRUE(resolve(outer.first));
    EXPECT_EQ(pages.asked, 2u);
    EXPECT_TRUE(world.load(outer.first).has_value() && world.load(inner.first).has_value());
}

TEST_F(LazyTest, WhenTwoCoresPageInAtOnceOneAnswerIsUsedAndNoFrameIsLost) {
    const mm::Range range = lazy(1, fills);
    pages.meanwhile = [&] {
        const sim::AsCore as(1);
        EXPECT_TRUE(resolve(range.first)) << "core 1 is faster";
        EXPECT_TRUE(world.store(range.first, 99));
    };
    EXPECT_TRUE(resolve(range.first));
    EXPECT_EQ(world.load(range.first), 99) << "the page that was there first stays";
    EXPECT_EQ(world.frames.used(Owner::heap), 1u);
}

TEST_F(LazyTest, ARangeThatEndsWhileItsPagerRunsGetsNoPage) {
    const mm::Range range = lazy(1, fills);
    pages.meanwhile = [&] { space.unmap_and_free(range, nullptr).take(); };
    EXPECT_TRUE(resolve(range.first)) << "try again, and be explained";
    EXPECT_FALSE(world.load(range.first).has_value());
    EXPECT_EQ(world.why(range.first).code, &mm::use_after_free);
    EXPECT_EQ(world.frames.used(Owner::heap), 0u);
}

TEST_F(LazyTest, AWriteCopiesASharedPageForAllCores) {
    pages.shared = world.frames.allocate(Owner::snapshot).take();
    world.memory.peek(pages.shared)[5] = 55;
    const mm::Range range = lazy(2, shares);
    for (const u32 core : {0u, 1u}) {
        const sim::AsCore as(core);
        EXPECT_TRUE(resolve(range.first));
        EXPECT_EQ(world.load(range.first + 5), 55);
        EXPECT_FALSE(world.store(range.first + 5, 1)) << "read-only until it is copied";
        EXPECT_EQ(world.load(range.first + 5), 55) << "and in this core's TLB again";
    }
    EXPECT_TRUE(resolve(range.first + 5, true));
    EXPECT_TRUE(world.store(range.first + 5, 66));
    {
        const sim::AsCore as(1);
        EXPECT_EQ(world.load(range.first + 5), 66) << "core 1 does not read the shared page any more";
    }
    EXPECT_EQ(world.memory.peek(pages.shared)[5], 55);
    EXPECT_TRUE(resolve(range.page(1)));
    space.unmap_and_free(range, nullptr).take();
    EXPECT_EQ(world.frames.used(Owner::heap), 0u);
    EXPECT_EQ(world.frames.owner_of(pages.shared), Owner::snapshot) << "what is shared is the pager's";
}

// A pager may wait as long as it likes: everything else goes on meanwhile, on its own core and on others, the
// other pages of its own range included.
TEST_F(LazyTest, WhileAPagerSleepsNoOtherCoreWaitsForIt) {
    const mm::Range range = lazy(3, fills);
    const mm::Range other = memory(1);
    pages.meanwhile = [&] {
        const sim::AsCore as(1);
        EXPECT_TRUE(resolve(range.page(2)));
        EXPECT_EQ(world.load(range.page(2)), 3);
        EXPECT_EQ(world.why(range.page(1)).code, &mm::not_backed) << "the page that is waited for";
        space.protect(other, 0, mm::read_only).take();
        space.unmap_and_free(other, nullptr).take();
        space.unmap_and_free(memory(2), nullptr).take();
        drain_quarantine();
    };
    EXPECT_TRUE(resolve(range.page(1)));
    EXPECT_EQ(world.load(range.page(1)), 2);
    EXPECT_EQ(pages.asked, 2u);
    EXPECT_EQ(world.frames.used(Owner::heap), 2u);
}

TEST_F(LazyTest, WhereverPagingInOrCopyingFailsNothingIsLostAndTheNextFaultWorks) {
    pages.shared = world.frames.allocate(Owner::snapshot).take();
    u64 points = 0;
    const auto fail_everywhere = [&](Virt address, u64 fault_code) {
        for (u64 n = 0;; ++n, ++points) {
            ASSERT_LT(n, 100u);
            const u64 before = world.frames_in_use();
            world.memory.fail_after(n);
            auto resolved = space.handle_page_fault(address, fault_code);
            world.memory.never_fail();
            if (resolved.ok()) {
                EXPECT_TRUE(resolved.value());
                break;
            }
            EXPECT_NE(resolved.error().frame()->inner, nullptr) << "the chain has more than the origin";
            rstate::handled(std::move(resolved));
            EXPECT_EQ(world.frames_in_use(), before) << n;
            EXPECT_EQ(world.memory.pins(), 0u) << n;
        }
    };
    const mm::Range filled = lazy(1, fills), lent = lazy(1, shares);
    fail_everywhere(filled.first, 0);
    EXPECT_EQ(world.load(filled.first), 1);
    fail_everywhere(lent.first, 0);
    fail_everywhere(lent.first, cpu::PageFaultCode::Write::mask);
    EXPECT_TRUE(world.store(lent.first, 9));
    EXPECT_GT(points, 20u);
}

// Each page's first write copies; the others still show the frame.
TEST_F(LazyTest, EachPageOfOneLentFrameIsCopiedForItself) {
    pages.shared = world.frames.allocate(Owner::snapshot).take();
    world.memory.peek(pages.shared)[0] = 40;
    const mm::Range range = lazy(3, shares);
    for (u64 page = 0; page < 3; ++page) EXPECT_TRUE(resolve(range.page(page)));
    EXPECT_EQ(world.frames.used(Owner::heap), 0u);
    for (u64 page = 0; page < 2; ++page) {
        EXPECT_TRUE(resolve(range.page(page), true));
        EXPECT_TRUE(world.store(range.page(page), static_cast<u8>(50 + page)));
        EXPECT_TRUE(resolve(range.page(page), true)) << "already copied: nothing to do";
    }
    EXPECT_EQ(world.load(range.page(0)), 50);
    EXPECT_EQ(world.load(range.page(1)), 51);
    EXPECT_EQ(world.load(range.page(2)), 40);
    EXPECT_EQ(world.memory.peek(pages.shared)[0], 40);
    EXPECT_EQ(world.frames.used(Owner::heap), 2u);
}

TEST_F(LazyTest, ALentPageCannotBeMadeWritable) {
    pages.shared = world.frames.allocate(Owner::snapshot).take();
    const mm::Range range = lazy(1, shares, mm::read_only);
    EXPECT_TRUE(resolve(range.first));
    EXPECT_TRUE(fails_with(space.protect(range, 0, mm::read_write), mm::forbidden_access));
    EXPECT_FALSE(world.store(range.first, 1));
}

TEST_F(LazyTest, AFrameThatIsLentCannotBeFreed) {
    pages.shared = world.frames.allocate(Owner::snapshot).take();
    const mm::Range range = lazy(2, shares);
    EXPECT_TRUE(resolve(range.page(0)));
    EXPECT_TRUE(resolve(range.page(1)));
    EXPECT_TRUE(resolve(range.page(1), true)); // has its copy now
    EXPECT_DEATH(world.frames.free(pages.shared, Owner::snapshot), "not freed while it is mapped");
    space.unmap_and_free(range, nullptr).take();
    world.frames.free(pages.shared, Owner::snapshot);
    EXPECT_EQ(world.frames.used(Owner::snapshot), 0u);
}

TEST_F(LazyTest, AWriteToAReadOnlyLazyRangeIsAMistake) {
    const mm::Range range = lazy(1, fills, mm::read_only);
    EXPECT_FALSE(resolve(range.first, true));
    EXPECT_TRUE(resolve(range.first));
    EXPECT_FALSE(resolve(range.first, true));
}

TEST_F(LazyTest, OtherFaultsAreNotThePagersBusiness) {
    const mm::Range range = memory(1);
    EXPECT_FALSE(resolve(range.end()));
    EXPECT_FALSE(resolve(Virt(0x1234'0000'0000)));
    EXPECT_FALSE(resolve(Virt(0x8000'0000'0000)));
    EXPECT_EQ(pages.asked, 0u);
}

// --- explaining while something is wrong

TEST_F(AddressSpaceTest, AFaultUnderTheLockIsExplainedByItsHolderAndOthersDoNotWaitForIt) {
    struct Held : Pages {
        World *world = nullptr;
        Virt target;
        mm::Explanation mine, others;
    };
    const mm::Range range = memory(1);
    const mm::Record *seen = nullptr;
    space
        .visit_ranges([&](u32, const mm::Record &record) {
            seen = &record;
            // In here the lock is held, as it is when memory management itself faults.
            EXPECT_EQ(world.why(range.end()).code, &mm::out_of_bounds);
            EXPECT_FALSE(space.handle_page_fault(range.end(), 0).take());
            const sim::AsCore as(1);
            const mm::Explanation what = world.why(range.end());
            EXPECT_EQ(what.code, &mm::wild_access);
            EXPECT_NE(std::string(what.text).find("lock"), std::string::npos);
        })
        .take();
    EXPECT_NE(seen, nullptr);
}

} // namespace
