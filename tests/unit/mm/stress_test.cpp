// tests/unit/mm/stress_test.cpp — memory management under millions of operations, against an oracle and
// statistics.
#include <cmath>
#include <map>
#include <random>

#include "tests/unit/mm/world.h"

namespace {

constexpr u32 address_bits = 36;
constexpr u32 alive_at_most = 10'000;

// How likely a fair coin is so far from one half, or farther: chi-square with one degree of freedom.
double p_of_coin(u64 ones, u64 tosses) {
    const double difference = 2.0 * static_cast<double>(ones) - static_cast<double>(tosses);
    return std::erfc(std::fabs(difference) / std::sqrt(2.0 * static_cast<double>(tosses)));
}

TEST(AddressStress, EachOf36BitsIsUniformAndNoTwoDepend) {
    const u64 draws = sim::long_run() ? 1'000'000 : 200'000;
    World world({.cores = 1, .frames_per_core = 60'000, .quarantine_size = 0});
    std::vector<mm::Range> alive;
    u64 ones[address_bits] = {}, differ[address_bits][address_bits] = {};
    for (u64 i = 0; i < draws; ++i) {
        const mm::Range range = world.space->reserve({.pages = 1, .site = site_of("table", 9)}).take();
        const u64 bits = range.first.value() >> 12 & ((1ul << address_bits) - 1);
        for (u32 a = 0; a < address_bits; ++a) {
            ones[a] += bits >> a & 1;
            // Where this bit and another one differ.
            const u64 other = bits ^ (0 - (bits >> a & 1));
            for (u32 b = a + 1; b < address_bits; ++b) differ[a][b] += other >> b & 1;
        }
        if (alive.size() < alive_at_most) {
            alive.push_back(range);
        } else {
            world.space->release_unused(alive[i % alive_at_most]);
            alive[i % alive_at_most] = range;
        }
    }
    // The entropy is fixed, so the verdict is too; of 666 fair coins one falls below once in a million tries.
    constexpr double least_likely = 1e-9;
    double least_one = 1, least_pair = 1;
    for (u32 a = 0; a < address_bits; ++a) {
        least_one = std::min(least_one, p_of_coin(ones[a], draws));
        EXPECT_GE(p_of_coin(ones[a], draws), least_likely) << "bit " << a + 12;
        for (u32 b = a + 1; b < address_bits; ++b) {
            least_pair = std::min(least_pair, p_of_coin(differ[a][b], draws));
            EXPECT_GE(p_of_coin(differ[a][b], draws), least_likely) << "bits " << a + 12 << " and " << b + 12;
        }
    }
    char text[160];
    std::snprintf(text, sizeof text, "%lu reservations, least p of 36 bits %.3g, of 630 pairs %.3g", draws,
                  least_one, least_pair);
    sim::record_figure(text);
}

// --- all kinds of ranges at once, with an oracle

struct Live {
    mm::Range range;
    u64 block_size = 0; // of a heap block, else 0
    Virt block;
    u64 mapped = 0; // pages that the tables must show
};

struct RangeStress : testing::Test {
    World world{{.cores = 4, .frames_per_core = 40'000, .quarantine_size = 256}};
    Space &space = *world.space;
    std::mt19937_64 random{11};
    std::map<u64, Live> alive; // by first address
    std::vector<u64> order;
    u64 at_start = world.frames_in_use();
    u64 longest = 0; // steps of one operation

    Live heap_block() {
        const u64 size = 1 + random() % (random() % 16 == 0 ? 40 * page_size : 2 * page_size);
        const Virt block = world.heap->allocate(size, 1ul << random() % 5, site_of("block", 1)).take();
        const u64 pages = align_up(size, page_size) / page_size;
        return {{block.page(), pages, 0, 0}, size, block, pages};
    }
    Live stack() {
        const u64 pages = 1 + random() % 16;
        return {space.map_memory(pages, Owner::stack, site_of("stack", 2)).take(), 0, {}, pages};
    }
    Live device() {
        const u64 pages = 1 + random() % 3;
        return {space.map_device(Phys(0xFEE0'0000), pages, site_of("APIC", 3)).take(), 0, {}, pages};
    }
    // A place where nothing lies, as stage2 chooses it.
    Virt free_place(u64 pages) {
        const mm::Range range = space.reserve({.pages = pages, .site = site_of("place", 4)}).take();
        space.release_unused(range);
        return range.first;
    }
    Live image() {
        const u64 pages = 1 + random() % 8;
        const Virt first = free_place(pages);
        for (u64 i = 0; i < pages; ++i) {
            const Phys frame = world.frames.allocate(Owner::boot).take();
            space.table().map(first + i * page_size, frame, mm::read_execute, world.frames).take();
        }
        const mm::RangeRequest request{pages, site_of("image", 5), mm::RangeKind::memory, Owner::boot,
                                       mm::read_execute};
        return {space.take_over(first, request).take(), 0, {}, pages};
    }
    Live window() {
        const Virt first(align_up(free_place(1024).value(), mm::window_bytes));
        const mm::Location at = space.table().prepare(first, world.frames).take();
        {
            auto table = world.memory.pin(at.table).take();
            for (u32 slot = 1; slot < 512; ++slot)
                mm::store_entry(table, slot, mm::absent_entry(mm::AbsentKind::window));
            mm::store_entry(table, 0,
                            mm::HostFormat::leaf(Phys(0x5000), mm::read_write, mm::Cache::write_back));
        }
        const mm::RangeRequest request{512, site_of("window", 6), mm::RangeKind::memory, Owner::none,
                                       mm::read_write};
        return {space.take_over(first, request).take(), 0, {}, 1};
    }
    Live any() {
        switch (random() % 64) {
        case 0:
            return window();
        case 1:
        case 2:
            return image();
        case 3:
        case 4:
        case 5:
            return device();
        case 6:
        case 7:
        case 8:
        case 9:
            return stack();
        default:
            return heap_block();
        }
    }

    void make() {
        const u64 before = world.memory.steps();
        const Live made = any();
        longest = std::max(longest, world.memory.steps() - before);
        const u64 first = made.range.first.value();
        const auto [it, fresh] = alive.insert({first, made});
        ASSERT_TRUE(fresh);
        // At least a page of nothing to both neighbours, none across the ends.
        if (it != alive.begin()) ASSERT_GT(first, std::prev(it)->second.range.end().value());
        if (std::next(it) != alive.end()) ASSERT_LT(made.range.end().value(), std::next(it)->first);
        order.push_back(first);
        ASSERT_FALSE(mapped(made.range.first - page_size));
        ASSERT_FALSE(mapped(made.range.end()));
    }
    void end_one() {
        const usize which = random() % order.size();
        std::swap(order[which], order.back());
        const Live live = alive.at(order.back());
        alive.erase(order.back());
        order.pop_back();
        const u64 before = world.memory.steps();
        if (live.block_size != 0)
            world.heap->free(live.block, live.block_size, nullptr);
        else
            space.unmap_and_free(live.range, nullptr).take();
        longest = std::max(longest, world.memory.steps() - before);
    }
    bool mapped(Virt page) { return space.table().locate(page).take().entry.present(); }

    // The tables and the oracle say the same, page by page, and the gaps stand.
    void compare() {
        u64 expected = 0, found = 0;
        for (const auto &[first, live] : alive) {
            expected += live.mapped;
            ASSERT_FALSE(mapped(live.range.first - page_size));
            ASSERT_FALSE(mapped(live.range.end()));
        }
        space.table()
            .visit([&](Virt page, const mm::Location &at) -> rstate::Result<> {
                if (!at.entry.present()) return rstate::done();
                ++found;
                auto it = alive.upper_bound(page.value());
                EXPECT_TRUE(it != alive.begin() && page < std::prev(it)->second.range.end())
                    << std::hex << page.value();
                return rstate::done();
            })
            .take();
        ASSERT_EQ(found, expected);
        ASSERT_EQ(space.live_ranges(), alive.size());
    }
};

TEST_F(RangeStress, GapsStandAndEveryFrameComesBackThroughMillionsOfRangesOfEveryKind) {
    const u64 operations = sim::long_run() ? 10'000'000 : 200'000;
    u64 made = 0, most = 0;
    for (u64 i = 0; i < operations; ++i) {
        const sim::AsCore as(static_cast<u32>(random() % 4)); // most frees are another core's
        if (alive.size() < alive_at_most && (alive.empty() || random() % 100 < 55))
            make(), ++made;
        else
            end_one();
        if (HasFatalFailure()) return;
        most = std::max<u64>(most, alive.size());
        if (i % (operations / 8) == 0) compare();
        if (HasFatalFailure()) return;
    }
    compare();
    while (!order.empty()) end_one();
    space.drain_quarantine();
    EXPECT_EQ(world.frames_in_use(), at_start);
    EXPECT_EQ(most, alive_at_most);
    // The largest block has 40 pages; a window's search for a place reserves 1024 pages and gives them up.
    EXPECT_LT(longest, 400u);
    char text[200];
    std::snprintf(text, sizeof text,
                  "%lu ranges made, %lu alive at most, %lu frames in use at the start and the end, longest "
                  "operation %lu pins",
                  made, most, at_start, longest);
    sim::record_figure(text);
}

} // namespace
